//! `local`: PrivateLink on a laptop.

use std::{net::SocketAddr, process::ExitCode};

use jiff::SignedDuration;
use local::server::{Local, Options, serve};
use tokio::{net::TcpListener, signal::unix};

const HELP: &str = "local: PrivateLink on a laptop, in front of an AWS emulator

  --listen 127.0.0.1:4566            where to answer; loopback addresses only
  --emulator http://127.0.0.1:4567   who answers everything that is not PrivateLink
  --region us-east-1
  --settle-ms 500                    from pending to available
  --page-size 1000                   no page is larger
  --notification-body json           json, text or bare: AWS does not document it
  --forward-events-to ACCOUNT=BUS    where consumers' CloudTrail events go
  --control                          routes under /_local that make things go wrong: calls refused or held, messages
                                     lost (tests/e2e/README.md lists them)
";

#[tokio::main]
async fn main() -> ExitCode {
    match parse(std::env::args().skip(1)) {
        Ok(None) => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        Ok(Some((listen, options))) => run(listen, options).await,
        Err(why) => {
            eprintln!("local: {why}; see local --help");
            ExitCode::from(2)
        }
    }
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<(SocketAddr, Options)>, String> {
    let (mut listen, mut options) = (SocketAddr::from(([127, 0, 0, 1], 4566)), Options::default());
    while let Some(name) = args.next() {
        match name.as_str() {
            "--help" | "-h" => return Ok(None),
            "--control" => options.control = true,
            _ => {
                let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
                set(&name, value, &mut listen, &mut options)?;
            }
        }
    }
    if listen.ip().is_loopback() {
        Ok(Some((listen, options)))
    } else {
        Err(format!("{listen} is no loopback address: there is no authentication here"))
    }
}

fn set(name: &str, value: String, listen: &mut SocketAddr, options: &mut Options) -> Result<(), String> {
    let bad = |what: &str| format!("{name} {value}: expected {what}");
    match name {
        "--listen" => *listen = value.parse().map_err(|_| bad("an address such as 127.0.0.1:4566"))?,
        "--emulator" => options.emulator = value,
        "--region" => options.region = value,
        "--settle-ms" => options.settle = SignedDuration::from_millis(value.parse().map_err(|_| bad("milliseconds"))?),
        "--page-size" => options.page_size_max = value.parse().ok().filter(|size| *size > 0).ok_or_else(|| bad("a number above 0"))?,
        "--notification-body" => options.notification_body = value.parse()?,
        "--forward-events-to" => {
            let (account, bus) = value.split_once('=').ok_or_else(|| bad("ACCOUNT=BUS"))?;
            options.forward_events_to = Some((account.to_owned(), bus.to_owned()));
        }
        _ => return Err(format!("{name} is no option")),
    }
    Ok(())
}

async fn run(listen: SocketAddr, options: Options) -> ExitCode {
    let listener = match TcpListener::bind(listen).await {
        Ok(listener) => listener,
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            eprintln!("local: port {} is already taken; stop what listens there or pass --listen 127.0.0.1:PORT", listen.port());
            return ExitCode::FAILURE;
        }
        Err(error) => {
            eprintln!("local: cannot listen on {listen}: {error}");
            return ExitCode::FAILURE;
        }
    };
    let (emulator, control) = (options.emulator.clone(), options.control);
    println!("local: PrivateLink at http://{listen}, everything else from {emulator}");
    tokio::select! {
        served = serve(listener, Local::new(options), control) => match served {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("local: {error}");
                ExitCode::FAILURE
            }
        },
        () = stopped() => ExitCode::SUCCESS,
    }
}

/// Ctrl-C or SIGTERM.
async fn stopped() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (unix::signal(unix::SignalKind::interrupt()), unix::signal(unix::SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
