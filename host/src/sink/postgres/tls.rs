//! TLS as `sslmode` asks for it, with libpq's meanings.
//!
//! | sslmode | encrypted | certificate |
//! |---|---|---|
//! | `disable` | no | |
//! | `prefer` (default) | if the server can | not looked at |
//! | `require` | yes | not looked at, unless `sslrootcert` is there: then as `verify-ca` |
//! | `verify-ca` | yes | from an authority that is trusted |
//! | `verify-full` | yes | and for this host |
//!
//! Trusted are the authorities of `sslrootcert` (a PEM file, or `system`), else the system's. Unlike with libpq, a handshake that fails
//! under `prefer` is not tried again in the clear, and nothing is read from `~/.postgresql`.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// `sslmode`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum SslMode {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl SslMode {
    pub(super) fn of(text: &str) -> Result<Self, String> {
        Ok(match text {
            "disable" => Self::Disable,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            // `allow` among them: first in the clear, then encrypted, is nobody's wish.
            _ => {
                return Err("`sslmode` in `url` is none of disable, prefer, require, verify-ca, verify-full".to_owned());
            }
        })
    }
}

/// What the URL says of TLS. Files in PEM form.
#[derive(Debug, Clone, Default)]
pub(super) struct TlsSettings {
    pub mode: SslMode,
    /// A file, or `system`.
    pub authorities: Option<String>,
    /// Our own, where the server asks for one.
    pub certificate: Option<String>,
    pub key: Option<String>,
}

/// What connects with TLS; reads the files.
pub(super) fn connector(settings: &TlsSettings) -> Result<MakeRustlsConnect, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(verifier(settings, &provider)?);
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| error.to_string())?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match (&settings.certificate, &settings.key) {
        (Some(certificate), Some(key)) => {
            let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong("sslkey", key, &error))?;
            let chain = certificates("sslcert", certificate)?;
            builder.with_client_auth_cert(chain, private).map_err(|error| wrong("sslkey", key, &error))?
        }
        (None, None) => builder.with_no_client_auth(),
        _ => return Err("a client certificate needs both `sslcert` and `sslkey` in `url`".to_owned()),
    };
    config.alpn_protocols = vec![b"postgresql".to_vec()];
    Ok(MakeRustlsConnect::new(config))
}

fn wrong(parameter: &str, path: &str, error: &dyn std::fmt::Display) -> String {
    format!("`{parameter}` of `url`, {path}, can't be used: {error}")
}

fn certificates(parameter: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let found: Vec<_> = read.map_err(|error: rustls::pki_types::pem::Error| wrong(parameter, path, &error))?;
    if found.is_empty() { Err(wrong(parameter, path, &"it holds no certificate in PEM form")) } else { Ok(found) }
}

fn verifier(settings: &TlsSettings, provider: &Arc<CryptoProvider>) -> Result<Verifier, String> {
    let given = settings.authorities.as_deref().filter(|path| *path != "system");
    let trusted = match given {
        Some(path) => certificates("sslrootcert", path)?,
        None => Vec::new(),
    };
    let is_checked = matches!(settings.mode, SslMode::VerifyCa | SslMode::VerifyFull)
        || (settings.mode == SslMode::Require && settings.authorities.is_some());
    let mut verifier = Verifier {
        provider: Arc::clone(provider),
        chain: None,
        trusted,
        with_name: settings.mode == SslMode::VerifyFull,
    };
    if is_checked {
        let mut roots = RootCertStore::empty();
        let certificates =
            if given.is_some() { verifier.trusted.clone() } else { rustls_native_certs::load_native_certs().certs };
        roots.add_parsable_certificates(certificates);
        let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
        let no_roots = |error| {
            format!(
                "there are no certificate authorities to trust: name a PEM file as `sslrootcert` in `url` ({error})"
            )
        };
        verifier.chain = Some(built.map_err(no_roots)?);
    }
    Ok(verifier)
}

#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// `None`: any certificate will do.
    chain: Option<Arc<WebPkiServerVerifier>>,
    /// Those of `sslrootcert`; the server's own may be among them, self-signed, as PostgreSQL's documentation makes one.
    trusted: Vec<CertificateDer<'static>>,
    with_name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        if self.trusted.iter().any(|trusted| trusted.as_ref() == end_entity.as_ref()) {
            if self.with_name {
                rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            }
            return Ok(ServerCertVerified::assertion());
        }
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // The name is looked at last: the chain was good.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.with_name => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
