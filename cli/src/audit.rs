//! `warden audit`: the audit of the scheduled function, run once. It writes files to a directory and nothing to the ledger;
//! messages about new findings are left to the schedule.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ::audit::{Audit, FILES, MARGIN};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use warden::{
    audit::thresholds::Thresholds,
    aws::dynamodb::Table,
    deadline::Deadline,
    decision::Hold,
    ledger::{
        counted::ToldDays,
        digest::Digest,
        history::{LedgerHistory, PageHistory},
        open_finding::{Change, KnownSince, StoredFindings},
    },
    model::{
        connection::Connection,
        ids::{ServiceId, TopicArn},
        mode::Mode,
    },
    ports::{CallError, Findings, History, LockOutcome, PublishOutcome, ReportStore, chain},
};

use crate::{
    arguments::{Format, ReportFormat},
    aws::{Aws, RETENTION, VERSION},
    error::{CliError, Outcome},
    output::{Rows, spinner},
    wording::counted,
};

pub(crate) async fn audit(aws: &Aws, topic: Option<&TopicArn>, formats: &[ReportFormat], out: &Path) -> Result<Outcome, CliError> {
    let ledger = aws.ledger()?.clone();
    aws.services().await?;
    let scratch = tempfile::tempdir()?;
    let audit = Audit {
        inventory: aws.ec2.clone(),
        ledger: ReadOnly(ledger),
        reports: Directory(scratch.path()),
        members: aws.organization.clone(),
        policy: Arc::new(aws.policies().await?),
        scope: aws.common.scope.clone(),
        thresholds: thresholds(aws, topic),
        clock: Timestamp::now,
        function_version: VERSION.to_owned(),
    };
    let spinner = spinner("reading every connection");
    let hour = Duration::from_secs(3600);
    let summary = audit.run("command-line", Deadline::after(hour, MARGIN)).await.map_err(|error| CliError::Failed(chain(&error)))?;
    spinner.finish_and_clear();
    let report: Value = serde_json::from_str(&fs::read_to_string(scratch.path().join("report.json"))?).map_err(io::Error::from)?;
    for format in formats {
        write(aws.common.output, *format, &report, scratch.path(), out)?;
    }
    let is_overdue = |finding: &Value| finding.get("kind").and_then(Value::as_str) == Some("overdue");
    let findings = report.get("findings").and_then(Value::as_array);
    if aws.common.stack.is_none() && findings.is_some_and(|findings| findings.iter().any(is_overdue)) {
        eprintln!("note: without --stack, the mode is taken to be active; in observe mode, no request is overdue");
    }
    summary.unseen.iter().for_each(|what| eprintln!("not inspected: {what}"));
    Ok(Outcome::clean_if(summary.findings.values().sum::<usize>() == 0))
}

/// The thresholds of the stack, or those of its template's defaults.
fn thresholds(aws: &Aws, topic: Option<&TopicArn>) -> Thresholds {
    let day = SignedDuration::from_hours(24);
    let topics = topic.or_else(|| Some(&aws.common.stack.as_ref()?.topic)).into_iter().cloned().collect();
    let region = aws.region.clone();
    match &aws.common.stack {
        Some(stack) => Thresholds {
            mode: stack.mode,
            topics,
            region,
            overdue_after: stack.overdue_after,
            waiting_after: stack.waiting_after,
            expiring_within: stack.expiring_within,
            unused_after: stack.unused_after,
            retention: stack.retention,
        },
        None => Thresholds {
            mode: Mode::Active,
            topics,
            region,
            overdue_after: SignedDuration::from_mins(15),
            waiting_after: day,
            expiring_within: day * 14,
            unused_after: day * 90,
            retention: RETENTION,
        },
    }
}

fn write(output: Format, format: ReportFormat, report: &Value, from: &Path, out: &Path) -> Result<(), CliError> {
    let [page, json, findings, connections, ocsf] = FILES;
    let names: &[&str] = match format {
        ReportFormat::Table => {
            table(output, report);
            return Ok(());
        }
        ReportFormat::Json => &[json],
        ReportFormat::Csv => &[findings, connections],
        ReportFormat::Html => &[page],
        ReportFormat::Ocsf => &[ocsf],
    };
    fs::create_dir_all(out).map_err(CliError::at(out))?;
    for name in names {
        let path = out.join(name);
        fs::copy(from.join(name), &path).map_err(CliError::at(&path))?;
        println!("{}", path.display());
    }
    Ok(())
}

fn table(output: Format, report: &Value) {
    let mut rows = Rows::new(&["severity", "finding", "subject", "what"]);
    let mut findings: Vec<&Value> = report["findings"].as_array().into_iter().flatten().collect();
    let rank = |finding: &Value| ["critical", "warning", "info"].iter().position(|word| finding["severity"] == **word);
    findings.sort_by_key(|finding| (rank(finding), finding["id"].to_string()));
    for finding in findings {
        let text = |name: &str| finding[name].as_str().unwrap_or_default();
        let subject = text("id").split_once('/').map_or(text("id"), |(_, subject)| subject);
        rows.push([text("severity"), text("kind"), subject, text("what")]);
    }
    rows.write(output, "No findings: every connection is what the policy set allows.");
    if output == Format::Table {
        let totals = &report["totals"];
        let services = counted(totals["services"].as_u64().unwrap_or_default() as usize, "service", "services");
        println!("{services}, {} connected, {} pending.", totals["connected"], totals["waiting"]);
    }
}

struct Directory<'a>(&'a Path);

impl Directory<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(Path::new(name).file_name().unwrap_or_default())
    }
}

impl ReportStore for Directory<'_> {
    async fn store(&self, name: &str, _: &str, file: &Path) -> Result<(), CallError> {
        let failed = |error: io::Error| CallError { call: "copy", code: None, message: error.to_string(), source: Some(Box::new(error)) };
        fs::copy(file, self.path(name)).map(drop).map_err(failed)
    }

    fn location(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

struct ReadOnly(Table);

impl History for ReadOnly {
    async fn history(&self, service: &ServiceId) -> Result<LedgerHistory, CallError> {
        self.0.history(service).await
    }

    async fn entries(&self, service: &ServiceId, connections: &[Connection]) -> Result<PageHistory, CallError> {
        self.0.entries(service, connections).await
    }

    async fn hold_of_stack(&self) -> Result<Option<Hold>, CallError> {
        self.0.hold_of_stack().await
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

    async fn publish(&self, _: &[Change], _: &Digest, _: Option<&ToldDays>) -> Result<PublishOutcome, CallError> {
        Ok(PublishOutcome::Written)
    }

    async fn store_known_since(&self, _: &KnownSince) -> Result<(), CallError> {
        Ok(())
    }
}
