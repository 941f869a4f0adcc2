//! A person logs in: with a browser and with a code, against an issuer on loopback that is honest, or is not.
#![expect(clippy::disallowed_methods, reason = "a test: runs the built binary, and a browser of a kind")]

use crate::serve::{Asked, Reply, Server, get};
use crate::world::World;
use attest::sign::{IdentityToken, Login, LoginFlow, Person, ServiceClient, SignError};
use attest::testing::world::block_on;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{HashMap, VecDeque};
use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What an issuer does otherwise than it should; and what it knows of the logins that were begun.
#[derive(Default)]
struct Habits {
    discovery: Value,
    claims: Value,
    /// Instead of a token.
    token: Option<(u16, String)>,
    /// What the token endpoint says to a device, before it grants.
    device: VecDeque<&'static str>,
    begun: Value,
    no_device: bool,
}

/// A token endpoint that says this repeats what it was sent.
const ECHO: &str = "ECHO";

struct Issuer {
    server: Server,
    habits: Arc<Mutex<Habits>>,
}

fn parameters(text: &str) -> HashMap<String, String> {
    let decode = |t: &str| {
        let mut out = Vec::new();
        let mut bytes = t.bytes();
        while let Some(b) = bytes.next() {
            out.push(match b {
                b'+' => b' ',
                b'%' => {
                    let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                    u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
                }
                other => other,
            });
        }
        String::from_utf8(out).unwrap()
    };
    text.split('&').filter_map(|p| p.split_once('=')).map(|(k, v)| (decode(k), decode(v))).collect()
}

fn merge(into: &mut Value, change: &Value) {
    if let Some(change) = change.as_object() {
        into.as_object_mut().unwrap().extend(change.clone());
    }
}

impl Issuer {
    fn start() -> Self {
        let habits: Arc<Mutex<Habits>> = Arc::default();
        let (known, own) = (habits.clone(), Arc::new(Mutex::new(String::new())));
        let url = own.clone();
        // Challenge and nonce by code.
        let codes: Mutex<HashMap<String, (String, Option<String>)>> = Mutex::default();
        let server =
            Server::start(move |asked| answer(asked, &url.lock().unwrap(), &mut known.lock().unwrap(), &codes));
        own.lock().unwrap().push_str(&server.url);
        Self { server, habits }
    }

    fn habits(&self, change: impl FnOnce(&mut Habits)) {
        change(&mut self.habits.lock().unwrap());
    }

    fn login(&self, flow: LoginFlow, patience: Duration) -> Login {
        Login { issuer: self.server.url.clone(), client: "sigstore".into(), flow, patience }
    }

    fn token(&self, flow: LoginFlow, person: &dyn Person) -> Result<IdentityToken, SignError> {
        let client = ServiceClient::new(Duration::from_secs(20));
        let login = self.login(flow, Duration::from_secs(30));
        block_on(async { login.token(person, &client).await })
    }
}

fn answer(
    asked: &Asked,
    url: &str,
    habits: &mut Habits,
    codes: &Mutex<HashMap<String, (String, Option<String>)>>,
) -> Reply {
    let no = |error: &str| Reply::status(400, &json!({ "error": error, "error_description": "so it is" }).to_string());
    match asked.path() {
        "/.well-known/openid-configuration" => {
            let mut document = json!({
                "issuer": url,
                "authorization_endpoint": format!("{url}/authorize"),
                "token_endpoint": format!("{url}/token"),
                "device_authorization_endpoint": format!("{url}/device/code"),
            });
            if habits.no_device {
                document["device_authorization_endpoint"] = Value::Null;
            }
            merge(&mut document, &habits.discovery);
            Reply::json(&document)
        }
        "/authorize" => {
            let p = parameters(asked.target.split_once('?').unwrap().1);
            assert_eq!((p["response_type"].as_str(), p["client_id"].as_str()), ("code", "sigstore"));
            assert_eq!((p["scope"].as_str(), p["code_challenge_method"].as_str()), ("openid email", "S256"));
            let code = format!("code&{}", codes.lock().unwrap().len());
            codes.lock().unwrap().insert(code.clone(), (p["code_challenge"].clone(), Some(p["nonce"].clone())));
            let location = format!("{}?code={}&state={}", p["redirect_uri"], code.replace('&', "%26"), p["state"]);
            Reply::Answer(302, format!("location: {location}\r\n"), Vec::new())
        }
        "/device/code" => {
            let p = parameters(&asked.text());
            assert_eq!((p["client_id"].as_str(), p["scope"].as_str()), ("sigstore", "openid email"));
            codes.lock().unwrap().insert("device".into(), (p["code_challenge"].clone(), None));
            let mut begun = json!({ "device_code": "device", "user_code": "WDJB-MJHT", "expires_in": 60, "interval": 1,
                "verification_uri": format!("{url}/device") });
            merge(&mut begun, &habits.begun);
            Reply::json(&begun)
        }
        "/token" => {
            if let Some((status, body)) = &habits.token {
                let told = json!({ "error": "invalid_request", "error_description": asked.text() }).to_string();
                let body = match (body.as_str(), status) {
                    (ECHO, 400) => &told,
                    (ECHO, _) => &asked.text(),
                    _ => body,
                };
                return Reply::Answer(*status, "location: http://elsewhere.invalid/\r\n".into(), body.clone().into());
            }
            let p = parameters(&asked.text());
            let code = match p["grant_type"].as_str() {
                "authorization_code" => p["code"].clone(),
                "urn:ietf:params:oauth:grant-type:device_code" => match habits.device.pop_front() {
                    Some(error) => return no(error),
                    None => p["device_code"].clone(),
                },
                other => panic!("{other}"),
            };
            let Some((challenge, nonce)) = codes.lock().unwrap().remove(&code) else { return no("invalid_grant") };
            if URL_SAFE_NO_PAD.encode(Sha256::digest(&p["code_verifier"])) != challenge {
                return no("invalid_grant");
            }
            let mut claims = json!({ "iss": url, "sub": "s", "aud": "sigstore", "exp": 4_000_000_000_i64,
                "email": "person@example.org", "email_verified": true, "nonce": nonce });
            merge(&mut claims, &habits.claims);
            let token = format!("eyJhbGciOiJub25lIn0.{}.c2lnbmVk", URL_SAFE_NO_PAD.encode(claims.to_string()));
            Reply::json(&json!({ "access_token": "secret-access", "token_type": "bearer", "id_token": token }))
        }
        _ => Reply::status(404, "nothing here"),
    }
}

/// A person whose browser does something with the address, on a thread of its own.
struct Tester<F> {
    browse: Option<Arc<F>>,
    told: Mutex<Vec<String>>,
}

fn tester<F: Fn(&str) + Send + Sync + 'static>(browse: F) -> Tester<F> {
    Tester { browse: Some(Arc::new(browse)), told: Mutex::default() }
}

impl<F: Fn(&str) + Send + Sync + 'static> Person for Tester<F> {
    fn open(&self, url: &str) -> bool {
        let Some(browse) = self.browse.clone() else { return false };
        let url = url.to_owned();
        std::thread::spawn(move || browse(&url));
        true
    }

    fn tell(&self, text: &str) {
        self.told.lock().unwrap().push(text.to_owned());
    }
}

/// A person without a browser.
fn blind() -> Tester<fn(&str)> {
    Tester { browse: None, told: Mutex::default() }
}

/// The address that the issuer sends a browser back to.
fn follow(url: &str) -> String {
    let (status, location, _) = get(url);
    assert_eq!(status, 302);
    location.unwrap()
}

/// As honest browsers do.
fn browse(url: &str) {
    let (status, _, body) = get(&follow(url));
    assert!(status == 200 && body.contains("can be closed"), "{status} {body}");
}

#[test]
fn a_person_logs_in_in_a_browser() {
    let issuer = Issuer::start();
    let person = tester(browse);
    let token = issuer.token(LoginFlow::Browser, &person).unwrap();
    assert_eq!((token.identity(), token.issuer()), ("person@example.org", issuer.server.url.as_str()));
    let told = person.told.lock().unwrap().join("\n");
    assert!(told.contains(&format!("{}/authorize?", issuer.server.url)), "{told}");
    // What would make the code worth something never left but to the issuer.
    assert!(!told.contains("code_verifier"), "{told}");
}

#[test]
fn where_no_browser_opens_a_code_is_entered_elsewhere() {
    let issuer = Issuer::start();
    issuer.habits(|h| h.device = ["authorization_pending", "authorization_pending"].into());
    let person = blind();
    let token = issuer.token(LoginFlow::Browser, &person).unwrap();
    assert_eq!(token.identity(), "person@example.org");
    let told = person.told.lock().unwrap().join("\n");
    assert!(told.contains(&format!("{}/device", issuer.server.url)) && told.contains("WDJB-MJHT"), "{told}");
    assert_eq!(issuer.server.asked().iter().filter(|a| a.path() == "/token").count(), 3);
    assert!(!issuer.server.asked().iter().any(|a| a.path() == "/authorize"));

    issuer.habits(|h| {
        h.begun = json!({ "verification_uri_complete": format!("{}/device?user_code=WDJB-MJHT", issuer.server.url) });
    });
    let person = blind();
    issuer.token(LoginFlow::Device, &person).unwrap();
    assert!(person.told.lock().unwrap()[0].contains("/device?user_code=WDJB-MJHT\nwhich must show the code WDJB-MJHT"));
}

#[test]
fn a_device_slows_down_when_told_and_ends_when_told() {
    let issuer = Issuer::start();
    issuer.habits(|h| h.device = ["slow_down"].into());
    let began = Instant::now();
    issuer.token(LoginFlow::Device, &blind()).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(7), "asked again after {:?}", began.elapsed());
    for (error, code, words) in [
        ("access_denied", "signing-refused", "access_denied: so it is"),
        ("expired_token", "signing-unavailable", "nobody logged in within"),
        ("unheard_of", "signing-refused", "unheard_of"),
    ] {
        issuer.habits(|h| h.device = [error].into());
        let e = issuer.token(LoginFlow::Device, &blind()).unwrap_err();
        assert!(e.code().as_str() == code && e.to_string().contains(words), "{error}: {e}");
    }
    // A code that is never entered.
    issuer.habits(|h| {
        h.device = std::iter::repeat_n("authorization_pending", 1000).collect();
        h.begun = json!({ "expires_in": 3 });
    });
    let e = issuer.token(LoginFlow::Device, &blind()).unwrap_err();
    assert!(e.to_string().contains("nobody logged in within 3 s"), "{e}");
    // An issuer without this way says so.
    issuer.habits(|h| h.no_device = true);
    let e = issuer.token(LoginFlow::Device, &blind()).unwrap_err();
    assert!(e.to_string().contains("--fulcio-auth-flow normal"), "{e}");
}

#[test]
fn a_token_of_another_issuer_client_or_login_is_refused() {
    for (claims, words) in [
        (json!({ "iss": "https://accounts.example" }), "issuer `https://accounts.example`"),
        (json!({ "aud": "another" }), "for `another`"),
        (json!({ "aud": ["sigstore", "another"] }), "another client"),
        (json!({ "nonce": "of another login" }), "nonce"),
        (json!({ "nonce": null }), "nonce"),
        (json!({ "email_verified": false }), "not verified"),
        (json!({ "exp": null }), "`exp`"),
    ] {
        let issuer = Issuer::start();
        issuer.habits(|h| h.claims = claims.clone());
        let e = issuer.token(LoginFlow::Browser, &tester(browse)).unwrap_err();
        assert_eq!(e.code().as_str(), "signing-answer-malformed", "{claims}: {e}");
        assert!(e.to_string().contains(words) && !e.to_string().contains("eyJ"), "{claims}: {e}");
    }
}

#[test]
fn an_issuer_that_sends_us_to_another_host_is_refused() {
    let elsewhere = Server::start(|_| Reply::status(500, ""));
    let other = elsewhere.url.clone();
    for (discovery, words) in [
        (json!({ "issuer": "https://accounts.example" }), "issuer `https://accounts.example`"),
        (json!({ "token_endpoint": format!("{other}/token") }), "`token_endpoint` on another host"),
        (json!({ "authorization_endpoint": format!("{other}/authorize") }), "`authorization_endpoint` on another host"),
        (json!({ "device_authorization_endpoint": format!("{other}/device") }), "on another host"),
        (json!({ "token_endpoint": "file:///etc/passwd" }), "on another host"),
        (json!({ "token_endpoint": null }), "no `token_endpoint`"),
    ] {
        let issuer = Issuer::start();
        issuer.habits(|h| h.discovery = discovery.clone());
        let e = issuer.token(LoginFlow::Browser, &tester(browse)).unwrap_err();
        assert_eq!(e.code().as_str(), "signing-answer-malformed", "{discovery}: {e}");
        assert!(e.to_string().contains(words), "{discovery}: {e}");
        assert_eq!(issuer.server.asked().len(), 1, "{discovery}");
    }
    // Nor does a code follow a redirect.
    for status in [302, 307, 308] {
        let issuer = Issuer::start();
        issuer.habits(|h| h.token = Some((status, String::new())));
        let e = issuer.token(LoginFlow::Browser, &tester(browse)).unwrap_err();
        assert!(e.to_string().contains(&format!("refused with status {status}")), "{e}");
    }
    assert!(elsewhere.asked().is_empty());
}

#[test]
fn what_is_no_answer_or_a_huge_one_is_said_and_never_shown() {
    let huge = format!("{{\"id_token\": \"{}\"}}", "a".repeat(3 << 20));
    for (answer, code) in [
        ((200, "<html>".to_owned()), "signing-answer-malformed"),
        ((200, "{}".to_owned()), "signing-answer-malformed"),
        ((200, json!({ "id_token": "secret.secret.secret" }).to_string()), "signing-answer-malformed"),
        ((200, json!({ "id_token": 7 }).to_string()), "signing-answer-malformed"),
        ((200, huge), "signing-answer-malformed"),
        ((400, json!({ "error": "invalid_grant" }).to_string()), "signing-refused"),
        ((403, "secret".to_owned()), "signing-refused"),
    ] {
        let issuer = Issuer::start();
        issuer.habits(|h| h.token = Some(answer.clone()));
        let e = issuer.token(LoginFlow::Browser, &tester(browse)).unwrap_err();
        assert_eq!(e.code().as_str(), code, "{}: {e}", answer.0);
        assert!(!format!("{e}{e:?}").contains("secret"), "{e}");
    }
}

#[test]
fn what_a_service_repeats_of_a_login_is_not_shown() {
    for (flow, secret) in [(LoginFlow::Browser, "code_verifier"), (LoginFlow::Device, "device_code")] {
        for status in [500, 429, 400] {
            let issuer = Issuer::start();
            issuer.habits(|h| h.token = Some((status, ECHO.into())));
            let e = issuer.token(flow, &tester(browse)).unwrap_err().to_string();
            let error = if status == 400 { "invalid_request: " } else { "" };
            assert!(e.contains(&format!("status {status}: {error}(its words repeat what was sent")), "{e}");
            assert!(!e.contains(secret), "{e}");
            issuer.habits(|h| h.token = Some((status, "out of order".into())));
            let e = issuer.token(flow, &tester(browse)).unwrap_err().to_string();
            // A refusal that is none of OAuth's is not shown at all.
            assert!(status == 400 || e.contains(&format!("status {status}: out of order")), "{e}");
        }
    }
}

#[test]
fn a_proxy_reads_nothing_that_stays_on_this_machine() {
    let (world, ca) = world();
    let (issuer, proxy) = (Issuer::start(), Server::start(|_| Reply::status(502, "")));
    let services = ["--fulcio-url", &ca.url, "--timestamp-url", &ca.url, "--trusted-root", "root.json"];
    let flow = ["--fulcio-auth-flow", "device", "--oidc-issuer", &issuer.server.url];
    let variables = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"].map(|name| (name, proxy.url.as_str()));
    let out = world.attest_with(&variables, &[&["create", "app"][..], &services, &flow].concat());
    assert!(String::from_utf8_lossy(&out.stderr).contains("refused with status 400: not you"), "{out:?}");
    assert!(proxy.asked().is_empty() && !ca.asked().is_empty());
}

#[test]
fn a_password_in_an_address_is_refused_and_not_repeated() {
    let (world, ca) = world();
    for arguments in [
        &["--fulcio-url", "https://bob:hunter2@ca.example", "--timestamp-url", &ca.url, "--oidc-issuer", &ca.url][..],
        &[
            "--fulcio-url",
            &ca.url,
            "--timestamp-url",
            "https://u:hunter2@tsa.example?hunter2",
            "--oidc-issuer",
            &ca.url,
        ],
        &["--fulcio-url", &ca.url, "--timestamp-url", &ca.url, "--oidc-issuer", "https://bob:hunter2@id.example"],
    ] {
        let flow = ["create", "app", "--trusted-root", "root.json", "--fulcio-auth-flow", "device"];
        let out = world.attest_with(&[], &[&flow[..], arguments].concat());
        let error = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{error}");
        assert!(error.contains("example`") && !error.contains("hunter2"), "{error}");
    }
    for (charter, exit) in [
        ("https://h.example/issues/1", 0),
        ("https://h.example/issues?id=1&state=open", 0),
        ("https://bob:hunter2@h.example/issues/1", 2),
        ("https://h.example/issues/1?access_token=hunter2", 2),
        ("https://h.example/issues/1?id=1&PRIVATE-TOKEN=hunter2", 2),
        ("https://h.example/issues/1#sig=hunter2", 2),
    ] {
        let out = world.attest_with(&[], &["generate", "app", "--charter", charter]);
        let error = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(exit), "{charter}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let digest = format!("sha256:{}", "a".repeat(64));
    let approve = |more: &[&str]| {
        let args = [&["approve", "--key", "attest.key", "--yes", "--output", "a.json"], more].concat();
        let out = world.attest_with(&[("ATTEST_PASSWORD", crate::world::PASSWORD)], &args);
        let error = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(!error.contains("hunter2"), "{error}");
        (out.status.code(), error)
    };
    for (charter, uri) in [
        ("charter:https://bob:hunter2@h.example/issues/1?hunter2", None),
        ("charter:https://h.example/issues/1?access_token=hunter2", None),
        ("charter:https://h.example/issues/1", Some("https://h.example/1?token=hunter2")),
    ] {
        let more = uri.map_or_else(Vec::new, |uri| vec!["--uri", uri]);
        let (exit, error) = approve(&[&[charter, "--digest", &digest][..], &more].concat());
        assert_eq!(exit, Some(2), "{error}");
    }
    let (exit, error) = approve(&["charter:https://h.example/issues/1?id=1", "--digest", &digest]);
    assert_eq!(exit, Some(0), "{error}");
}

#[test]
fn only_the_answer_to_this_login_counts() {
    let issuer = Issuer::start();
    let own = issuer.server.url.clone();
    let token = issuer.token(
        LoginFlow::Browser,
        &tester(move |url| {
            let good = follow(url);
            let (base, query) = good.split_once('?').unwrap();
            let port: u16 = base.rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
            let state = parameters(query)["state"].clone();
            let stranger = |answer: &str| {
                let (status, _, body) = get(&format!("{base}?{answer}"));
                assert!(status == 400 && body.contains("not the login"), "{answer}: {status} {body}");
            };
            stranger("code=stolen&state=guessed");
            stranger("code=stolen");
            stranger("code=stolen&state=");
            stranger(&format!("code=stolen&state={}", state.to_ascii_lowercase() + "x"));
            stranger(&format!("code=stolen&state={state}&iss=https%3A%2F%2Faccounts.example"));
            stranger(&format!("state={state}"));
            stranger(&format!("code=&state={state}"));
            stranger(&format!("code=stolen&error=no&state={state}"));
            stranger("error=access_denied&state=guessed");
            // Garbage, silence, another method, another path, another name of this machine, parameters twice.
            let raw = |bytes: &[u8]| {
                let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
                let _ = stream.write_all(bytes);
                stream
            };
            let mut held = vec![raw(b""), raw(b"GET /auth"), raw(&[0xff; 40_000]), raw(b"\r\n\r\n")];
            let request = |line: &str, host: &str| raw(format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
            let ours = format!("localhost:{port}");
            held.push(request(&format!("POST /auth/callback?{query}"), &ours));
            held.push(request(&format!("GET /other?{query}"), &ours));
            held.push(request(&format!("GET /auth/callback?{query}"), "rebound.example"));
            held.push(request(&format!("GET /auth/callback?{query}"), &format!("{ours}\r\nHost: other")));
            held.push(request(&format!("GET http://other.example/auth/callback?{query}"), &ours));
            held.push(request(&format!("GET /auth/callback?{query}&code=again"), &ours));
            std::thread::sleep(Duration::from_millis(200));
            let (status, ..) = get(&format!("{good}&iss={}", own.replace(':', "%3A").replace('/', "%2F")));
            assert_eq!(status, 200);
            drop(held);
        }),
    );
    assert_eq!(token.unwrap().identity(), "person@example.org");
    let exchanged: Vec<_> = issuer.server.asked().into_iter().filter(|a| a.path() == "/token").collect();
    assert_eq!(exchanged.len(), 1);
    assert_eq!(parameters(&exchanged[0].text())["code"], "code&0");
}

#[test]
fn a_refusal_ends_the_login_and_silence_ends_it_in_time() {
    let issuer = Issuer::start();
    let refuse = |url: &str| {
        let good = follow(url);
        let (base, query) = good.split_once('?').unwrap();
        get(&format!("{base}?error=access_denied&error_description=not%20you%0A&state={}", parameters(query)["state"]));
    };
    let e = issuer.token(LoginFlow::Browser, &tester(refuse)).unwrap_err();
    assert_eq!(e.code().as_str(), "signing-refused");
    assert!(e.to_string().ends_with(": access_denied: not you "), "{e}");

    let client = ServiceClient::new(Duration::from_secs(20));
    let login = issuer.login(LoginFlow::Browser, Duration::from_millis(700));
    let silent = tester(|url: &str| {
        get(&follow(url).replace("state=", "state=x"));
    });
    let e = block_on(async { login.token(&silent, &client).await }).unwrap_err();
    assert_eq!(e.code().as_str(), "signing-unavailable");
    assert!(e.to_string().contains("nobody logged in within 0.7 s; 1 answer not of this login"), "{e}");

    // An issuer that never answers.
    let mute = Server::start(|_| Reply::Silence);
    let client = ServiceClient::new(Duration::from_secs(1));
    let login = Login { issuer: mute.url.clone(), ..issuer.login(LoginFlow::Browser, Duration::from_secs(1)) };
    let e = block_on(async { login.token(&tester(browse), &client).await }).unwrap_err();
    assert!(e.to_string().contains("timed out after 1 s"), "{e}");
}

#[test]
fn an_issuer_without_codes_for_devices_waits_for_a_browser() {
    let issuer = Issuer::start();
    issuer.habits(|h| h.no_device = true);
    // No browser opens, and the person opens the address that was shown.
    struct Reader(Mutex<Option<std::thread::JoinHandle<()>>>);
    impl Person for Reader {
        fn open(&self, _: &str) -> bool {
            false
        }
        fn tell(&self, text: &str) {
            let url = text.split_whitespace().find(|w| w.starts_with("http://")).unwrap().to_owned();
            *self.0.lock().unwrap() = Some(std::thread::spawn(move || browse(&url)));
        }
    }
    let person = Reader(Mutex::default());
    assert_eq!(issuer.token(LoginFlow::Browser, &person).unwrap().identity(), "person@example.org");
    person.0.lock().unwrap().take().unwrap().join().unwrap();
}

/// A world with a root, and a Fulcio that refuses whom it is shown.
fn world() -> (World, Server) {
    let world = World::new();
    let root = sigstore_verify::trust_root::SigstoreInstance::Staging.embedded_trusted_root_json();
    world.write("root.json", root);
    (world, Server::start(|_| Reply::status(400, "not you")))
}

#[test]
fn the_program_opens_the_browser_and_shows_the_token_to_the_authority_alone() {
    let (world, ca) = world();
    let issuer = Issuer::start();
    // Not below the working folder: whoever wrote a checkout would choose what is started.
    let elsewhere = tempfile::tempdir().unwrap();
    let browser = elsewhere.path().join("browser");
    fs::write(&browser, "#!/bin/sh\nprintf %s \"$2\" >address.new\nmv address.new address\n").unwrap();
    fs::set_permissions(&browser, fs::Permissions::from_mode(0o755)).unwrap();
    let address = world.root().join("address");
    let visit = std::thread::spawn(move || {
        let until = Instant::now() + Duration::from_secs(60);
        while Instant::now() < until {
            if let Ok(url) = fs::read_to_string(&address) {
                return browse(&url);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("no browser was started");
    });
    let services = ["--fulcio-url", &ca.url, "--timestamp-url", &ca.url, "--trusted-root", "root.json"];
    let flow = ["--fulcio-auth-flow", "normal", "--oidc-issuer", &issuer.server.url];
    let words = format!("{} -new %s:other", browser.display());
    let variables = [("BROWSER", words.as_str())];
    let out = world.attest_with(&variables, &[&["create", "app", "--outbox", "box"][..], &services, &flow].concat());
    let error = String::from_utf8_lossy(&out.stderr).into_owned();
    visit.join().unwrap();
    assert_eq!(out.status.code(), Some(3), "{error}");
    assert!(error.contains("refused with status 400: not you"), "{error}");
    assert!(error.contains("log in in the browser") && error.contains("/authorize?"), "{error}");
    assert!(!error.contains("eyJ") && !error.contains("secret-access"), "{error}");
    assert!(ca.asked()[0].text().contains("eyJhbGciOiJub25lIn0."));
}

#[test]
fn the_program_shows_a_code_where_there_is_no_browser_and_keeps_what_nobody_signed() {
    let (world, ca) = world();
    let issuer = Issuer::start();
    let services = ["--fulcio-url", &ca.url, "--timestamp-url", &ca.url, "--trusted-root", "root.json"];
    let flow = ["--fulcio-auth-flow", "normal", "--oidc-issuer", &issuer.server.url];
    let create = [&["create", "app", "--outbox", "box"][..], &services, &flow].concat();
    issuer.habits(|h| h.device = ["access_denied"].into());
    let out = world.attest_with(&[], &create);
    let error = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(3), "{error}");
    assert!(error.contains("and enter the code WDJB-MJHT") && error.contains("error[outbox-kept]"), "{error}");
    assert!(error.contains(" --sign sha256:") && ca.asked().is_empty(), "{error}");

    // Nor does a file say that a stranger's services get a token of the public issuer.
    let config = |issuer: &str| {
        let service = |url: &str| json!([{ "url": url, "majorApiVersion": 1, "validFor": { "start": "2024-01-01T00:00:00Z" }, "operator": "x" }]);
        let config = json!({
            "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json", "caUrls": service(&ca.url),
            "oidcUrls": service(issuer), "tsaUrls": service(&ca.url), "tsaConfig": { "selector": "ANY" },
        });
        world.write("config.json", config.to_string());
        let create = ["create", "app", "--signing-config", "config.json", "--trusted-root", "root.json"];
        let out = world.attest_with(&[], &[&create[..], &["--fulcio-auth-flow", "device"]].concat());
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let (exit, error) = config(attest::sign::PUBLIC_ISSUER);
    assert!(exit == Some(2) && error.contains("pass --oidc-issuer"), "{error}");
    let (exit, error) = config(&issuer.server.url);
    assert!(exit == Some(3) && error.contains("refused with status 400: not you"), "{error}");

    // A private instance is shown no token of the public issuer; and a job of a CI system asks nobody.
    let begin = |variables: &[(&str, &str)], more: &[&str]| {
        let out = world.attest_with(variables, &[&["create", "app"][..], &services, more].concat());
        (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let before = issuer.server.asked().len();
    let (exit, error) = begin(&[], &["--fulcio-auth-flow", "device"]);
    assert!(exit == Some(2) && error.contains("pass --oidc-issuer"), "{error}");
    let (exit, error) = begin(&[("CI", "true")], &flow);
    assert!(exit == Some(2) && error.contains("error[no-signer]") && error.contains("CI says"), "{error}");
    let (exit, error) = begin(&[], &["--oidc-issuer", &issuer.server.url]);
    assert!(exit == Some(2) && error.contains("there is no terminal to ask at"), "{error}");
    let (exit, error) = begin(&[], &["--fulcio-auth-flow", "token"]);
    assert!(exit == Some(2) && error.contains("asks nobody"), "{error}");
    assert_eq!(issuer.server.asked().len(), before);
}
