//! TLS as the properties ask for it: authorities, and a certificate of our own where the broker wants one. PEM only.

use crate::source::SourceError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// The configuration, from properties by name.
///
/// # Errors
/// `Setting`, for a file that can't be read or is not PEM.
pub(super) fn config<'a>(property: impl Fn(&str) -> Option<&'a str>) -> Result<Arc<ClientConfig>, SourceError> {
    let authorities = certificates(&property, "ssl.ca.location", "ssl.ca.pem")?;
    let roots = match authorities {
        Some(given) => roots(given, "ssl.ca.location")?,
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| wrong("security.protocol", &error))?.with_root_certificates(roots);
    let own = certificates(&property, "ssl.certificate.location", "ssl.certificate.pem")?;
    let config = match (own, key(&property)?) {
        (Some(chain), Some(key)) => {
            builder.with_client_auth_cert(chain, key).map_err(|error| wrong("ssl.key.location", &error))?
        }
        (None, None) => builder.with_no_client_auth(),
        _ => {
            return Err(SourceError::Setting(
                "a client certificate needs both ssl.certificate.location and ssl.key.location in `properties`"
                    .to_owned(),
            ));
        }
    };
    Ok(Arc::new(config))
}

fn wrong(name: &str, error: &dyn std::fmt::Display) -> SourceError {
    SourceError::Setting(format!("the Kafka property {name} can't be used: {error}"))
}

fn certificates<'a>(
    property: impl Fn(&str) -> Option<&'a str>,
    location: &str,
    pem: &str,
) -> Result<Option<Vec<CertificateDer<'static>>>, SourceError> {
    let (name, read) = match (property(location), property(pem)) {
        (Some(path), _) => (location, CertificateDer::pem_file_iter(path).and_then(Iterator::collect)),
        (None, Some(text)) => (pem, CertificateDer::pem_slice_iter(text.as_bytes()).collect()),
        (None, None) => return Ok(None),
    };
    let found: Vec<_> = read.map_err(|error: rustls::pki_types::pem::Error| wrong(name, &error))?;
    if found.is_empty() { Err(wrong(name, &"it holds no certificate in PEM form")) } else { Ok(Some(found)) }
}

fn key<'a>(property: impl Fn(&str) -> Option<&'a str>) -> Result<Option<PrivateKeyDer<'static>>, SourceError> {
    let (name, read) = match (property("ssl.key.location"), property("ssl.key.pem")) {
        (Some(path), _) => ("ssl.key.location", PrivateKeyDer::from_pem_file(path)),
        (None, Some(text)) => ("ssl.key.pem", PrivateKeyDer::from_pem_slice(text.as_bytes())),
        (None, None) => return Ok(None),
    };
    read.map(Some)
        .map_err(|error| wrong(name, &format!("{error}; for an encrypted key write `client = \"librdkafka\"`")))
}

fn roots(certificates: Vec<CertificateDer<'static>>, name: &str) -> Result<RootCertStore, SourceError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|error| wrong(name, &error))?;
    }
    Ok(roots)
}

/// The authorities that the system trusts; some of them may be too old to be understood.
fn system_roots() -> Result<RootCertStore, SourceError> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(SourceError::Setting(
            "this system names no certificate authorities; write ssl.ca.location in `properties`".to_owned(),
        ));
    }
    Ok(roots)
}
