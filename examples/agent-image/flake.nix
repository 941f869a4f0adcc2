{
  description = "The toolchain of the tide-times image";
  inputs.nixpkgs.url = "github:registry-example/nixpkgs";
  inputs.tools.url = "github:registry-example/tools";
  inputs.tools.inputs.nixpkgs.follows = "nixpkgs";
  outputs = { nixpkgs, tools, ... }: { devShells = tools.shellsFor nixpkgs; };
}
