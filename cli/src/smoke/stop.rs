//! Ctrl-C and the signals that end a process: the run stops, and cleans up.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use crate::error::CliError;

#[derive(Debug, Clone)]
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Catches the signals until the process ends, so that a second Ctrl-C does not interrupt the clean-up.
    pub(super) fn listen() -> Result<Self, CliError> {
        let (send, receive) = watch::channel(false);
        for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
            let (mut signals, send) = (signal(kind)?, send.clone());
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    eprintln!("stopping: what was made is removed first");
                    send.send_replace(true);
                }
            });
        }
        Ok(Self(receive))
    }

    pub(super) fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until a signal arrives.
    pub(super) async fn requested(&self) {
        // The senders live as long as the process.
        drop(self.0.clone().wait_for(|stop| *stop).await);
    }
}
