//! The arguments of the command line. Their comments are the help texts.

mod common;
mod manual;
mod rehearsal;
mod values;

use std::{path::PathBuf, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use warden::{
    model::{
        ids::{ServiceId, TopicArn},
        subject::Subject,
    },
    policy::PolicyUri,
};

pub(crate) use common::{Common, Format, Given};
pub(crate) use manual::{Adoption, Approval, GrantFilter, HoldOrder, Rejection, Revocation, Target};
pub(crate) use rehearsal::Rehearsal;
pub(crate) use values::HistorySubject;
use values::{past, seconds, subject};

const EXAMPLES: &str = "\
Examples:
  warden policy check      Validate the policy set in the directory `policies`
  warden plan              Show the decision on every pending request
  warden explain vpce-0123456789abcdef0
                           Show why this endpoint gets its answer
  warden approve vpce-0123456789abcdef0 --reason 'pilot with team A' --until 30d
                           Accept this endpoint in your name";

/// Answers AWS PrivateLink connection requests by policy
///
/// The warden accepts or rejects connection requests to your VPC endpoint services by a set of Cedar policies. This command
/// line checks and publishes the policies, shows decisions and their reasons, and accepts or rejects requests in your name.
/// It calls AWS with your own credentials.
///
/// Exit status: 0 success, 1 findings, differences or a decision that is not carried out yet, 2 usage error, 3 AWS or I/O error.
#[derive(Debug, Parser)]
#[command(name = "warden", version, propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) given: Given,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check, test, compare, format and publish the policy set
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Write a policy set of your own to a directory: it is valid, accepts nothing, and has commented examples
    Init {
        /// Directory, outside the warden's source tree
        dir: PathBuf,
    },
    /// Show the connections that no policy and no grant justifies, and write policies or grants for them
    Adopt(Adoption),
    /// Show the decision on every pending request, but do not act on it
    Plan {
        /// Show instead what this policy set would change: decisions on pending requests, and justifications of connections
        #[arg(long, value_name = "URI")]
        policy: Option<PolicyUri>,
    },
    /// Show why a connection gets its answer, and what would change it
    Explain {
        /// VPC endpoint (vpce-…) or transit gateway attachment (tgw-attach-…)
        endpoint: Subject,
    },
    /// Accept an endpoint, or every endpoint of an account, in your name
    Approve(Approval),
    /// Reject a pending request in your name
    Reject(Rejection),
    /// End grants, and disconnect what they accepted, in your name
    Revoke(Revocation),
    /// List what people granted: to which endpoint or account, until when, why, and who ended it
    Grants(GrantFilter),
    /// Stop every act of the warden, on one service or on all, in your name
    Pause(HoldOrder),
    /// End a hold in your name
    Resume(HoldOrder),
    /// List recorded decisions, of the warden and of people
    History(HistoryFilter),
    /// Decide recorded requests again with the policy set, and list the differences
    Replay {
        /// Records since then: a time, a day, or how long ago (2026-06-01T00:00:00Z, 2026-06-01, 30d, 12h)
        #[arg(long, value_parser = past, default_value = "30d", value_name = "TIME")]
        since: Timestamp,
    },
    /// Check every connection against the policy set, like the scheduled audit, but send no messages
    Audit {
        /// Formats to write, separated by commas
        #[arg(long, value_delimiter = ',', default_value = "table")]
        format: Vec<ReportFormat>,
        /// Directory for the files
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
        /// Topic of the connection notifications; by default, that of --stack, and without it, notifications are not checked
        #[arg(long, env = "WARDEN_TOPIC", value_name = "ARN")]
        topic: Option<TopicArn>,
    },
    /// Check the deployment (--stack, by default `privatelink-warden`), and print a fix for each problem
    Doctor {
        /// Topic of the connection notifications; by default, that of --stack
        #[arg(long, env = "WARDEN_TOPIC", value_name = "ARN")]
        topic: Option<TopicArn>,
        /// First make what is missing at the services in scope, after one question for each kind
        #[arg(long, value_enum, value_delimiter = ',', value_name = "KIND")]
        fix: Vec<Fix>,
        /// Do not ask for confirmation
        #[arg(long, requires = "fix")]
        yes: bool,
    },
    /// Send one request of a consumer through the deployment, and show what works
    Smoke(Rehearsal),
    /// Compare the allowed principals of each service with the policy set
    Principals {
        /// Add and remove what differs
        #[arg(long)]
        apply: bool,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Print completions for a shell
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Write manual pages to a directory
    Man {
        /// Directory
        dir: PathBuf,
    },
}

impl Command {
    /// Returns true if the command writes rows, so that `--output` applies to it.
    pub(crate) fn writes_rows(&self) -> bool {
        match self {
            Self::Policy { command } => match command {
                PolicyCommand::Publish { .. } | PolicyCommand::Fmt { .. } | PolicyCommand::Schema => false,
                PolicyCommand::Check { .. } | PolicyCommand::Compare { .. } | PolicyCommand::Test { .. } => true,
            },
            Self::Init { .. }
            | Self::Approve(_)
            | Self::Reject(_)
            | Self::Revoke(_)
            | Self::Pause(_)
            | Self::Resume(_)
            | Self::Smoke(_)
            | Self::Completions { .. }
            | Self::Man { .. } => false,
            Self::Adopt(_)
            | Self::Plan { .. }
            | Self::Explain { .. }
            | Self::Grants(_)
            | Self::History(_)
            | Self::Replay { .. }
            | Self::Audit { .. }
            | Self::Doctor { .. }
            | Self::Principals { .. } => true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Table,
    Json,
    Csv,
    Html,
    Ocsf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Fix {
    Notifications,
    Acceptance,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Parse and validate the policy set
    Check {
        /// Also prove with an SMT solver that no policy can fail, that each permit can match, and that each policy has an effect
        #[arg(long)]
        prove: bool,
        /// Time limit of the proofs; questions without an answer by then are undecided
        #[arg(long, requires = "prove", value_name = "SECONDS", default_value = "120", value_parser = seconds)]
        within: Duration,
        /// Without a solver, replay the decisions on the ledger since then (a time, a day, or how long ago)
        #[arg(long, requires = "prove", value_parser = past, default_value = "30d", value_name = "TIME")]
        since: Timestamp,
        /// Without a solver, end with exit status 1
        #[arg(long, requires = "prove")]
        require_proof: bool,
    },
    /// Prove that a new policy set accepts no more than an old one, or show a counterexample, and show who would lose access
    Compare {
        /// Policy set in force: a directory, s3://BUCKET/KEY or s3://BUCKET/PREFIX/
        #[arg(value_name = "OLD")]
        old: PolicyUri,
        /// Policy set that is to replace it
        #[arg(value_name = "NEW")]
        new: PolicyUri,
        /// Time limit of the proofs; questions without an answer by then are undecided
        #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
        within: Duration,
        /// Without a solver, replay the decisions on the ledger since then with both sets (a time, a day, or how long ago)
        #[arg(long, value_parser = past, default_value = "30d", value_name = "TIME")]
        since: Timestamp,
    },
    /// Show what a policy set changes, and write it to S3, from where the functions load it
    Publish {
        /// s3://BUCKET/KEY for one object, or s3://BUCKET/PREFIX/ for the files and a manifest; by default, `PolicyUri` of --stack
        to: Option<PolicyUri>,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
    },
    /// Run the test cases in cases.json
    Test {
        /// Also write the results to this file, as JUnit XML
        #[arg(long, value_name = "FILE")]
        junit: Option<PathBuf>,
    },
    /// Format the *.cedar files in place
    Fmt {
        /// Only list the files that are not formatted
        #[arg(long)]
        check: bool,
    },
    /// Print the schema that policies are validated against
    Schema,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryFilter {
    /// Only records of this endpoint (vpce-…), attachment (tgw-attach-…) or account
    #[arg(value_parser = subject)]
    pub(crate) subject: Option<HistorySubject>,
    /// Only records of this service
    #[arg(long)]
    pub(crate) service: Option<ServiceId>,
    /// Only records since then: a time, a day, or how long ago (30d, 12h)
    #[arg(long, value_parser = past, value_name = "TIME")]
    pub(crate) since: Option<Timestamp>,
}
