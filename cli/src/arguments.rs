//! What can be said at the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use warden::{
    model::{
        ids::{AccountId, EndpointId, ServiceId, TopicArn},
        organization::OrganizationAccess,
        scope::Scope,
    },
    policy::PolicyUri,
};

/// Answers PrivateLink connection requests by policy: this is its command line, with your own credentials.
///
/// Exit status: 0 fine, 1 findings or differences, 2 usage, 3 AWS or I/O trouble.
#[derive(Debug, Parser)]
#[command(name = "warden", version, propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Common {
    /// The policy set (*.cedar, groups.json, cases.json): a folder, s3://BUCKET/KEY or s3://BUCKET/PREFIX/
    #[arg(long, global = true, env = "WARDEN_POLICIES", default_value = "policies", value_name = "URI")]
    pub(crate) policies: PolicyUri,
    /// The ledger's table (`LedgerName` in the stack's outputs)
    #[arg(long, global = true, env = "WARDEN_LEDGER", value_name = "TABLE")]
    ledger: Option<String>,
    /// Services: all, ids with commas between, or tag:KEY=VALUE
    #[arg(long, global = true, env = "WARDEN_SCOPE", default_value = "all", value_name = "SCOPE")]
    pub(crate) scope: Scope,
    /// How to ask AWS Organizations: none, direct, or the ARN of a role there (`OrganizationAccess` of the stack)
    #[arg(long, global = true, env = "WARDEN_ORGANIZATION", default_value = "none", value_name = "HOW")]
    pub(crate) organization: OrganizationAccess,
    /// The Region of the services; your configuration's if it is not given
    #[arg(long, global = true)]
    pub(crate) region: Option<String>,
    /// A profile of your AWS configuration
    #[arg(long, global = true)]
    pub(crate) profile: Option<String>,
    /// Where to send every call, instead of to AWS (what `make up` prints)
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) endpoint_url: Option<String>,
    /// How to write what was found
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

impl Common {
    /// The ledger's name. An empty one, as a script with an unset variable gives it, is none.
    pub(crate) fn ledger(&self) -> Option<&str> {
        self.ledger.as_deref().filter(|name| !name.is_empty())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
    Csv,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check, test, format the policy set
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// What would happen to every pending request; changes nothing
    Plan {
        /// Compare with this policy set: what would newly be accepted, referred, unjustified
        #[arg(long, value_name = "URI")]
        policy: Option<PolicyUri>,
    },
    /// Why a connection is, or would be, answered as it is
    Explain {
        /// The endpoint, vpce-…
        endpoint: EndpointId,
    },
    /// Let an endpoint, or its whole account, in
    Approve(Approval),
    /// Turn a pending request away
    Reject(Order),
    /// Take back what was granted, and cut the connection off
    Revoke(Revocation),
    /// What stands on the record
    History(Filter),
    /// Judge recorded facts with today's policy, and say what would differ
    Replay {
        /// A time, or how long ago: 2026-06-01T00:00:00Z, 30d, 12h
        #[arg(long, value_parser = moment, default_value = "30d")]
        since: Timestamp,
    },
    /// Is what is connected still what the policy allows? The scheduled audit, here and now; tells nobody
    Audit {
        /// What to write: table, json, csv, html, ocsf; several with commas between
        #[arg(long, value_delimiter = ',', default_value = "table")]
        format: Vec<ReportFormat>,
        /// Where to write files
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
        /// The topic that connection notifications should go to (`ConnectionsTopicArn` in the stack's outputs); without it,
        /// `notifications-missing` is not looked for
        #[arg(long, env = "WARDEN_TOPIC", value_name = "ARN")]
        topic: Option<TopicArn>,
    },
    /// Is everything in place? Each thing that is not, with what to do about it
    Doctor {
        /// The stack's name, for its schedules
        #[arg(long, env = "WARDEN_STACK", default_value = "warden")]
        stack: String,
        /// The topic that connection notifications should go to (`ConnectionsTopicArn` in the stack's outputs)
        #[arg(long, env = "WARDEN_TOPIC", value_name = "ARN")]
        topic: Option<TopicArn>,
    },
    /// Whom each service's permissions should let ask, by the policy, against whom they do
    Principals {
        /// Make it so: add and remove only what differs
        #[arg(long)]
        apply: bool,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Completions for your shell, on standard output
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Manual pages, into a folder
    Man {
        /// The folder
        dir: PathBuf,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Table,
    Json,
    Csv,
    Html,
    Ocsf,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Parse and validate the set
    Check {
        /// Also prove, with an SMT solver, that no policy can err, that each permit can match, and that each policy adds something
        #[arg(long)]
        prove: bool,
        /// How many seconds all questions to the solver may take together; what is left then is undecided
        #[arg(long, requires = "prove", value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
        within: u32,
        /// Without a solver: judge decisions on the ledger since then (a time, or how long ago)
        #[arg(long, requires = "prove", value_parser = moment, default_value = "30d")]
        since: Timestamp,
    },
    /// Prove that one set accepts nothing that another does not, or show what it would newly accept
    Compare {
        /// The set in force: a folder, s3://BUCKET/KEY or s3://BUCKET/PREFIX/
        #[arg(value_name = "OLD")]
        old: PolicyUri,
        /// The set that shall replace it
        #[arg(value_name = "NEW")]
        new: PolicyUri,
        /// How many seconds all questions to the solver may take together; what is left then is undecided
        #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
        within: u32,
        /// Without a solver: judge decisions on the ledger since then with both (a time, or how long ago)
        #[arg(long, value_parser = moment, default_value = "30d")]
        since: Timestamp,
    },
    /// Put the set where the functions read it: s3://BUCKET/KEY as one object, or s3://BUCKET/PREFIX/ with a manifest
    Publish {
        /// `PolicyUri` of the stack
        to: PolicyUri,
    },
    /// Run cases.json: what each request comes to, and by which policies
    Test {
        /// Also write the results here, as JUnit XML
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// Format the *.cedar files in place
    Fmt {
        /// Change nothing; say what is not formatted
        #[arg(long)]
        check: bool,
    },
    /// Print the schema that policies are written against
    Schema,
}

/// A person's order about one endpoint.
#[derive(Debug, Args)]
pub(crate) struct Order {
    /// The endpoint, vpce-…
    pub(crate) endpoint: EndpointId,
    /// Why; it stands on the record beside your name
    #[arg(long, value_parser = said)]
    pub(crate) reason: String,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Approval {
    #[command(flatten)]
    pub(crate) order: Order,
    /// Until when it holds: a time or a day (UTC), or how long from now (30d, 12h)
    #[arg(long, value_parser = end)]
    pub(crate) until: Option<Timestamp>,
    /// For every endpoint of its account, now and later
    #[arg(long)]
    pub(crate) account: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Revocation {
    #[command(flatten)]
    pub(crate) order: Order,
    /// Cut off every connection that its account has to the service, and end all that was granted to it there
    #[arg(long)]
    pub(crate) account: bool,
}

/// Which records.
#[derive(Debug, Args)]
pub(crate) struct Filter {
    /// An endpoint (vpce-…) or an account
    pub(crate) of: Option<Who>,
    /// Only of this service
    #[arg(long)]
    pub(crate) service: Option<ServiceId>,
    /// Only since: a time, or how long ago (30d, 12h)
    #[arg(long, value_parser = moment)]
    pub(crate) since: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(crate) enum Who {
    Endpoint(EndpointId),
    Account(AccountId),
}

impl std::str::FromStr for Who {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let endpoint = text.parse().map(Self::Endpoint);
        endpoint
            .or_else(|_| text.parse().map(Self::Account))
            .map_err(|_| "expected an endpoint (vpce-…) or an account of twelve digits".to_owned())
    }
}

fn said(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("say why".to_owned()) } else { Ok(text.to_owned()) }
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let moment = time(text, |now, span| now - span)?;
    if moment <= Timestamp::now() { Ok(moment) } else { Err("that has not come yet".to_owned()) }
}

fn end(text: &str) -> Result<Timestamp, String> {
    let end = time(text, |now, span| now + span)?;
    if end > Timestamp::now() { Ok(end) } else { Err("that is over already".to_owned()) }
}

fn time(text: &str, from_now: fn(Timestamp, SignedDuration) -> Timestamp) -> Result<Timestamp, String> {
    let expected = || {
        "expected a time such as 2026-06-01T00:00:00Z, a day such as 2026-06-01, or a number of days or hours such as 30d or 12h".to_owned()
    };
    let hours = match (text.strip_suffix('d'), text.strip_suffix('h')) {
        (Some(days), _) => days.parse::<i64>().ok().and_then(|days| days.checked_mul(24)),
        (_, Some(hours)) => hours.parse().ok(),
        (None, None) => return text.parse().ok().or_else(|| midnight(text)).ok_or_else(expected),
    };
    let hours = hours.filter(|hours| (0..=24 * 36_500).contains(hours)).ok_or_else(expected)?;
    Ok(from_now(Timestamp::now(), SignedDuration::from_hours(hours)))
}

/// A day as policies write it: it begins at midnight UTC.
fn midnight(day: &str) -> Option<Timestamp> {
    let day: Date = day.parse().ok()?;
    TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok()
}
