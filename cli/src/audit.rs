//! `warden audit`: the scheduled function's audit, here and now. It writes files instead of objects, and nothing on the
//! ledger: what is new is told by the schedule.

use std::{fs, path::Path, sync::Arc, time::Duration};

use ::audit::{Audit, FILES, MARGIN};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use warden::{
    audit::thresholds::Thresholds,
    aws::dynamodb::Table,
    deadline::Deadline,
    ledger::{
        digest::Digest,
        history::LedgerHistory,
        open_finding::{Change, KnownSince, StoredFindings},
    },
    model::{
        ids::{ServiceId, TopicArn},
        mode::Mode,
    },
    ports::{CallError, Findings, History, LockOutcome, PublishOutcome, ReportStore},
};

use crate::{
    arguments::{Common, Format, ReportFormat},
    aws::Aws,
    failure::{Done, Failure},
    output::{Rows, counted, waiting},
};

pub(crate) async fn audit(
    common: &Common,
    aws: &Aws,
    topic: Option<&TopicArn>,
    formats: &[ReportFormat],
    out: &Path,
) -> Result<Done, Failure> {
    let ledger = aws.ledger()?.clone();
    aws.services(common).await?;
    let folder = Folder(tempfile::tempdir()?);
    let day = SignedDuration::from_hours(24);
    let audit = Audit {
        inventory: aws.ec2.clone(),
        ledger: ReadOnly(ledger),
        reports: &folder,
        members: aws.members.clone(),
        policy: Arc::new(aws.policy(&common.policies).await?),
        scope: common.scope.clone(),
        thresholds: Thresholds {
            mode: Mode::Active,
            topics: topic.into_iter().cloned().collect(),
            region: aws.region.clone(),
            overdue_after: SignedDuration::from_mins(15),
            waiting_after: day,
            expiring_within: day * 14,
            unused_after: day * 90,
            retention: day * 400,
        },
        clock: Timestamp::now,
        function_version: format!("{}/cli", env!("CARGO_PKG_VERSION")),
    };
    let hour = Duration::from_secs(3600);
    let spinner = waiting("looking at everything that is connected");
    let summary = audit.run("command-line", Deadline::after(hour, MARGIN)).await.map_err(|error| Failure::Trouble(format!("{error}")))?;
    spinner.finish_and_clear();
    let report: Value = serde_json::from_str(&fs::read_to_string(folder.0.path().join("report.json"))?).map_err(std::io::Error::from)?;
    for format in formats {
        write(common, *format, &report, folder.0.path(), out)?;
    }
    summary.unseen.iter().for_each(|what| eprintln!("not seen: {what}"));
    Ok(if summary.findings.values().sum::<usize>() == 0 { Done::Fine } else { Done::Differences })
}

fn write(common: &Common, format: ReportFormat, report: &Value, from: &Path, out: &Path) -> Result<(), Failure> {
    let [page, json, findings, connections, ocsf] = FILES;
    let names: &[&str] = match format {
        ReportFormat::Table => {
            table(common, report);
            return Ok(());
        }
        ReportFormat::Json => &[json],
        ReportFormat::Csv => &[findings, connections],
        ReportFormat::Html => &[page],
        ReportFormat::Ocsf => &[ocsf],
    };
    fs::create_dir_all(out).map_err(|error| Failure::Trouble(format!("{}: {error}", out.display())))?;
    for name in names {
        let path = out.join(name);
        fs::copy(from.join(name), &path).map_err(|error| Failure::Trouble(format!("{}: {error}", path.display())))?;
        println!("{}", path.display());
    }
    Ok(())
}

fn table(common: &Common, report: &Value) {
    let mut rows = Rows::new(&["severity", "finding", "subject", "what"]);
    let mut findings: Vec<&Value> = report["findings"].as_array().into_iter().flatten().collect();
    let rank = |finding: &Value| ["critical", "warning", "info"].iter().position(|word| finding["severity"] == **word);
    findings.sort_by_key(|finding| (rank(finding), finding["id"].to_string()));
    for finding in findings {
        let text = |name: &str| finding[name].as_str().unwrap_or_default().to_owned();
        let id = text("id");
        let subject = id.split_once('/').map_or(id.as_str(), |(_, subject)| subject).to_owned();
        rows.push([text("severity"), text("kind"), subject, text("what")]);
    }
    rows.write(common.output, "Everything that is connected is what the policy allows.");
    if common.output == Format::Table {
        let totals = &report["totals"];
        let services = counted(totals["services"].as_u64().unwrap_or_default() as usize, "service", "services");
        println!("{services}, {} connected, {} waiting.", totals["connected"], totals["waiting"]);
    }
}

/// Keeps a report's files in a folder, all beside each other.
struct Folder(tempfile::TempDir);

impl ReportStore for &Folder {
    async fn store(&self, name: &str, _: &str, file: &Path) -> Result<(), CallError> {
        let to = self.0.path().join(Path::new(name).file_name().unwrap_or_default());
        let trouble =
            |error: std::io::Error| CallError { call: "copy", code: None, message: error.to_string(), source: Some(Box::new(error)) };
        fs::copy(file, to).map(drop).map_err(trouble)
    }

    fn location(&self, name: &str) -> String {
        self.0.path().join(Path::new(name).file_name().unwrap_or_default()).display().to_string()
    }
}

/// Reads the ledger and writes nothing on it.
struct ReadOnly(Table);

impl History for ReadOnly {
    async fn history(&self, service: &ServiceId) -> Result<LedgerHistory, CallError> {
        self.0.history(service).await
    }
}

impl Findings for ReadOnly {
    async fn stored(&self) -> Result<StoredFindings, CallError> {
        self.0.stored().await
    }

    async fn acquire_lock(&self, _: &str, _: Timestamp) -> Result<LockOutcome, CallError> {
        Ok(LockOutcome::Acquired)
    }

    async fn release_lock(&self, _: &str) -> Result<(), CallError> {
        Ok(())
    }

    async fn publish(&self, _: &[Change], _: &Digest) -> Result<PublishOutcome, CallError> {
        Ok(PublishOutcome::Written)
    }

    async fn store_known_since(&self, _: &KnownSince) -> Result<(), CallError> {
        Ok(())
    }
}
