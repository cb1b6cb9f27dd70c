//! SCRAM (RFC 5802, 7677) as Kafka speaks it: the client's side, without channel binding.
//!
//! It knows names, passwords and messages; not how they travel.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};

/// Rounds of hashing that a server may ask for: more would only cost us time.
const ITERATIONS_MAX: u32 = 1_000_000;
/// Rounds that make the password hard to guess, as RFC 7677 and Kafka want at the least.
const ITERATIONS_MIN: u32 = 4096;

/// The hash that a mechanism is named after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

/// A login under way.
pub(super) struct Scram<'a> {
    hash: Hash,
    password: &'a str,
    nonce: String,
    first_bare: String,
    server_key_signature: Vec<u8>,
}

impl<'a> Scram<'a> {
    /// A login; `nonce` is printable and never used before.
    pub(super) fn new(hash: Hash, user: &str, password: &'a str, nonce: String) -> Self {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let first_bare = format!("n={user},r={nonce}");
        Self { hash, password, nonce, first_bare, server_key_signature: Vec::new() }
    }

    /// What the client says first.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.first_bare)
    }

    /// What the client says to the server's first message: the proof that it knows the password.
    pub(super) fn prove(&mut self, server_first: &str) -> Result<String, String> {
        let part = |name: &str| server_first.split(',').find_map(|part| part.strip_prefix(name));
        let nonce = part("r=").filter(|nonce| nonce.starts_with(&self.nonce) && nonce.len() > self.nonce.len());
        let nonce = nonce.ok_or("the server's nonce does not go on from ours")?;
        let salt = part("s=").and_then(|salt| BASE64.decode(salt).ok()).ok_or("the server sent no salt")?;
        let iterations: u32 = part("i=").and_then(|count| count.parse().ok()).ok_or("the server sent no iterations")?;
        if !(ITERATIONS_MIN..=ITERATIONS_MAX).contains(&iterations) {
            return Err(format!("the server wants {iterations} iterations, not {ITERATIONS_MIN} to {ITERATIONS_MAX}"));
        }
        let without_proof = format!("c=biws,r={nonce}");
        let auth = format!("{},{server_first},{without_proof}", self.first_bare);
        let salted = self.salted(&salt, iterations);
        let client_key = self.mac(&salted, b"Client Key");
        let signature = self.mac(&self.digest(&client_key), auth.as_bytes());
        let proof: Vec<u8> = client_key.iter().zip(&signature).map(|(key, sign)| key ^ sign).collect();
        self.server_key_signature = self.mac(&self.mac(&salted, b"Server Key"), auth.as_bytes());
        Ok(format!("{without_proof},p={}", BASE64.encode(proof)))
    }

    /// Whether the server has shown that it knows the password too.
    pub(super) fn verify(&self, server_final: &str) -> Result<(), String> {
        if let Some(error) = server_final.strip_prefix("e=") {
            return Err(error.to_owned());
        }
        let signature = server_final.split(',').find_map(|part| BASE64.decode(part.strip_prefix("v=")?).ok());
        match signature {
            Some(signature) if signature == self.server_key_signature => Ok(()),
            _ => Err("the server does not know the password: it is not the one we think".to_owned()),
        }
    }

    fn salted(&self, salt: &[u8], iterations: u32) -> Vec<u8> {
        let password = self.password.as_bytes();
        match self.hash {
            Hash::Sha256 => pbkdf2::pbkdf2_array::<Hmac<Sha256>, 32>(password, salt, iterations).map(Vec::from),
            Hash::Sha512 => pbkdf2::pbkdf2_array::<Hmac<Sha512>, 64>(password, salt, iterations).map(Vec::from),
        }
        .unwrap_or_default() // an HMAC takes keys of any length
    }

    fn mac(&self, key: &[u8], message: &[u8]) -> Vec<u8> {
        match self.hash {
            Hash::Sha256 => mac::<Hmac<Sha256>>(key, message),
            Hash::Sha512 => mac::<Hmac<Sha512>>(key, message),
        }
    }

    fn digest(&self, message: &[u8]) -> Vec<u8> {
        match self.hash {
            Hash::Sha256 => Sha256::digest(message).to_vec(),
            Hash::Sha512 => Sha512::digest(message).to_vec(),
        }
    }
}

fn mac<M: Mac + hmac::digest::KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    <M as Mac>::new_from_slice(key)
        .map(|mut mac| {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        })
        .unwrap_or_default() // an HMAC takes keys of any length
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677, section 3.
    #[test]
    fn the_exchange_of_the_rfc() {
        let mut scram = Scram::new(Hash::Sha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO".into());
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let server = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let expected = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        assert_eq!(scram.prove(server).as_deref(), Ok(expected));
        assert_eq!(scram.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="), Ok(()));
        assert!(scram.verify("v=AAAA").is_err() && scram.verify("e=other-error").is_err());
    }

    #[test]
    fn a_server_that_can_not_be_trusted_is_refused() {
        let mut scram = Scram::new(Hash::Sha512, "a=b,c", "x", "n".into());
        assert_eq!(scram.first(), "n,,n=a=3Db=2Cc,r=n");
        assert!(scram.prove("r=other,s=AAAA,i=4096").is_err());
        assert!(scram.prove("r=n,s=AAAA,i=4096").is_err(), "nothing of its own in the nonce");
        assert!(scram.prove("r=nm,s=AAAA,i=1").is_err());
        assert!(scram.prove("r=nm,s=AAAA,i=4096").is_ok());
    }
}
