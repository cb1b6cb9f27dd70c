//! `sslmode` against a server with a certificate of its own, made with the openssl command.

use super::support::*;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use weir_services::postgres::Postgres;

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
    let output = output.expect("openssl is not installed; on Debian: apt-get install openssl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// `ca.pem`, and `server.crt` by it for `localhost` only.
fn certificates(folder: &Path) {
    openssl(folder, "req -newkey rsa:2048 -nodes -x509 -days 7 -subj /CN=test -keyout ca.key -out ca.pem");
    openssl(folder, "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr");
    std::fs::write(folder.join("ext"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl(
        folder,
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 7 -extfile ext -out server.crt",
    );
    std::fs::set_permissions(folder.join("server.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn sslmode_means_what_it_means_to_libpq() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (certificate, key, authority) = (path("server.crt"), path("server.key"), path("ca.pem"));
    let settings = [("ssl", "on"), ("ssl_cert_file", &*certificate), ("ssl_key_file", &*key)];
    let server = Postgres::start_with(folder.path(), &settings).unwrap_or_else(|error| panic!("{error}"));
    let place = Place::on(&server, "tls");
    let start = |host: &str, parameters: &str| {
        let url = format!("{}?{parameters}", server.url().replace("127.0.0.1", host));
        let sink = run(&place.settings_by(&url), &kpis(), &resume(1, 0, None)).map_err(|error| error.to_string())?;
        let ssl = place.sql("select string_agg(ssl::text, '') from pg_stat_ssl join pg_stat_activity using (pid) where application_name = 'weir'");
        drop(sink);
        until("the end of the session", || {
            place.sql("select count(*) from pg_stat_activity where application_name = 'weir'").trim() == "0"
        });
        Ok::<_, String>(ssl.trim() == "true")
    };
    for (host, parameters, encrypted) in [
        ("127.0.0.1", "sslmode=disable".to_owned(), false),
        ("127.0.0.1", String::new(), true),
        ("127.0.0.1", "sslmode=require".to_owned(), true),
        ("127.0.0.1", format!("sslmode=verify-ca&sslrootcert={authority}"), true),
        ("localhost", format!("sslmode=verify-full&sslrootcert={authority}"), true),
        // The server's own certificate is trusted itself.
        ("localhost", format!("sslmode=verify-full&sslrootcert={certificate}"), true),
    ] {
        assert_eq!(start(host, &parameters), Ok(encrypted), "{host} {parameters}");
    }
    for (host, parameters, says) in [
        ("127.0.0.1", format!("sslmode=verify-full&sslrootcert={authority}"), "certificate"),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=system".to_owned(), "certificate"),
        ("127.0.0.1", format!("sslmode=require&sslrootcert={key}"), "it holds no certificate"),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=/none.pem".to_owned(), "/none.pem"),
    ] {
        let said = start(host, &parameters).unwrap_err();
        assert!(said.contains(says) && !said.contains(server.password()), "{said}");
    }
}
