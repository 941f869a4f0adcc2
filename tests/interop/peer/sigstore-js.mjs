// Verifies a bundle with sigstore-js: FOLDER_OF_PACKAGES TRUSTED_ROOT BUNDLE [PUBLIC_KEY]
import { createRequire } from 'node:module';
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';

const [folder, rootFile, bundleFile, keyFile] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const { bundleFromJSON } = require('@sigstore/bundle');
const { TrustedRoot } = require('@sigstore/protobuf-specs');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const json = (file) => JSON.parse(readFileSync(file, 'utf8'));
const anyKey = () => ({ publicKey: createPublicKey(readFileSync(keyFile)), validFor: () => true });
const material = toTrustMaterial(TrustedRoot.fromJSON(json(rootFile)), keyFile ? anyKey : undefined);
const bundle = bundleFromJSON(json(bundleFile));
const options = { tlogThreshold: 1, ctlogThreshold: keyFile ? 0 : 1, timestampThreshold: 1 };
try {
  const signer = new Verifier(material, options).verify(toSignedEntity(bundle));
  console.log(signer.identity?.subjectAlternativeName ?? 'key');
} catch (error) {
  console.error(`${error.code}: ${error.message}`);
  process.exit(1);
}
