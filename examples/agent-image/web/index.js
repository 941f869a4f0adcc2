import { chart } from "@coast/chart";
import { smooth } from "wavelet";

chart(document.querySelector("#tides"), smooth(window.gauges));
