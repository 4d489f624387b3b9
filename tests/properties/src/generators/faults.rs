//! The faults that AWS can show.

use proptest::{prelude::*, sample::select};
use scenarios::Fault;

use crate::scenario::Call;

/// A call with its fault. AWS documents no codes of unsuccessful items, so any code occurs there.
pub(super) fn fault(stale_reads: bool) -> BoxedStrategy<(Call, Fault)> {
    let reads = select(vec![
        Call::Ec2("DescribeVpcEndpointConnections"),
        Call::Ec2("DescribeVpcEndpointConnections"),
        Call::Ec2("DescribeVpcEndpointServiceConfigurations"),
        Call::Ec2("DescribeVpcEndpointConnectionNotifications"),
        Call::Ec2("DescribeVpcEndpointServicePermissions"),
        Call::Ec2("DescribeAccount"),
        Call::Ledger("RecallQuery"),
        Call::Ledger("OpenQuery"),
        Call::Ledger("ServiceQuery"),
        Call::Ledger("DecisionsQuery"),
        Call::Ledger("OpenServicesQuery"),
        Call::Ledger("RecordsQuery"),
        Call::Ledger("GetItem"),
    ]);
    let acts = select(vec![Call::Ec2("AcceptVpcEndpointConnections"), Call::Ec2("RejectVpcEndpointConnections")]);
    let writes = select(vec![
        Call::Ledger("Commit"),
        Call::Ledger("Commit"),
        Call::Ledger("Commit"),
        Call::Ledger("TransactWriteItems"),
        Call::Ledger("AcquireLock"),
        Call::Ledger("ReleaseLock"),
        Call::Ledger("PutKnown"),
        Call::S3,
    ]);
    let queue = select(["SendMessageBatch", "ChangeMessageVisibility", "SendMessage"].map(Call::Queue).to_vec());
    let before = || select(vec!["RequestLimitExceeded", "InternalError", "ServiceUnavailable", "UnauthorizedOperation", "Throttling", ""]);
    let after = || select(vec!["InternalError", "RequestTimeout", ""]);
    let code = select(vec!["InvalidState", "InvalidVpcEndpointId.NotFound", "InternalError", "DryRunOperation", ""]);
    let partly = (code, any::<u8>(), any::<u8>()).prop_map(|(code, named, done)| Fault::Partly { code, named, done });
    let failure = || prop_oneof![before().prop_map(Fault::Before), after().prop_map(Fault::After)];
    let stale = if stale_reads { (0usize..4).prop_map(Fault::Stale).boxed() } else { before().prop_map(Fault::Before).boxed() };
    prop_oneof![
        3 => (reads, prop_oneof![2 => failure(), 2 => stale]),
        4 => (acts, prop_oneof![2 => failure(), 1 => Just(Fault::Again), 3 => partly]),
        3 => (writes, prop_oneof![failure(), Just(Fault::Again), Just(Fault::Conflict)]),
        2 => (Just(Call::Sns), failure()),
        1 => (queue, failure()),
        1 => (Just(Call::Ec2("DescribeAccount")), failure()),
    ]
    .boxed()
}
