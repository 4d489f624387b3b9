//! Stories of every kind: worlds, policies from the grammar, what happens, and what goes wrong.

use journeys::Fault;
use proptest::{collection::vec, option, prelude::*, sample::select};

use crate::{
    grammar::{Action, Condition, Effect, Rule, Set, Who},
    story::{ACCOUNTS, Call, Deed, Delivery, End, Forgery, Gap, Member, Move, NAMES, Service, Story, World},
};

/// What a law is tried with.
#[derive(Debug, Clone, Copy)]
pub struct Taste {
    pub moves: usize,
    /// Several at work at once, and stale reads.
    pub at_once: bool,
    pub faults: bool,
    pub gaps: bool,
}

/// Everything at once.
pub const WILD: Taste = Taste { moves: 36, at_once: true, faults: true, gaps: true };
/// One after the other: nothing is stale, and no two take the last place.
pub const ORDERLY: Taste = Taste { at_once: false, gaps: false, ..WILD };
/// Nothing goes wrong.
pub const CALM: Taste = Taste { moves: 12, faults: false, ..ORDERLY };

pub fn story(taste: Taste) -> impl Strategy<Value = Story> {
    (world(), vec(set(), 1..=3), vec(ask(), 1..4), vec(a_move(taste), 1..taste.moves)).prop_map(|(world, sets, asks, moves)| {
        let moves = asks.into_iter().chain(moves).collect();
        Story { world, sets, moves }
    })
}

fn ask() -> impl Strategy<Value = Move> {
    (account(), a_service(), rarely()).prop_map(|(account, service, abroad)| Move::Ask { account, service, abroad })
}

pub fn world() -> impl Strategy<Value = World> {
    let service = (select(NAMES.to_vec()), rarely(), rarely(), any::<bool>()).prop_map(|(name, gateway, open, own_topic)| Service {
        name,
        gateway,
        acceptance_required: !open,
        own_topic,
    });
    let redis_only = prop::bool::weighted(0.25);
    (
        vec(service, 1..=3),
        vec(member(), ACCOUNTS.len()),
        redis_only,
        prop::bool::weighted(0.15),
        select(vec![1usize, 1, 2, 3, 5]),
        select(vec![0i64, 0, 0, 45]),
    )
        .prop_map(|(services, members, redis_only, observe, page, hidden_seconds)| World {
            services,
            members,
            redis_only,
            observe,
            page,
            hidden_seconds,
        })
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.1)
}

/// Few are busy: what there is between requests shows only where they meet.
fn account() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0usize), 3 => Just(1), 2 => Just(2), 1 => Just(3)]
}

fn a_service() -> impl Strategy<Value = usize> {
    prop_oneof![5 => Just(0usize), 2 => Just(1), 1 => Just(2)]
}

fn member() -> impl Strategy<Value = Member> {
    prop_oneof![2 => Just(Member::Outside), 4 => (0usize..2).prop_map(Member::Active), 1 => (0usize..2).prop_map(Member::Suspended)]
}

/// Caps close: a permit counts up to them, a forbid from them on.
pub fn set() -> impl Strategy<Value = Set> {
    let permit =
        rule(Just(Effect::Permit), select(vec![Action::Accept; 8]).prop_union(select(vec![Action::Both])).boxed(), cap_of_permit());
    let reject = rule(Just(Effect::Permit), Just(Action::Reject).boxed(), plain());
    let forbid =
        rule(Just(Effect::Forbid), select(vec![Action::Accept, Action::Accept, Action::Both, Action::Reject]).boxed(), cap_of_forbid());
    let one = prop_oneof![6 => permit, 1 => reject, 2 => forbid];
    // Where nobody is let in, little can go wrong.
    let cap = prop_oneof![Just(Condition::ServiceBelow(1)), Just(Condition::AccountBelow(1)), Just(Condition::ServiceBelow(2))];
    let broad = option::weighted(0.4, cap).prop_map(|cap| Rule {
        effect: Effect::Permit,
        action: Action::Accept,
        who: Who::Anyone,
        service: None,
        when: cap.into_iter().collect(),
        unless: None,
    });
    (option::weighted(0.5, broad), vec(one, 1..=3), vec(account(), 0..=3)).prop_map(|(broad, rules, mut team)| {
        team.sort_unstable();
        team.dedup();
        Set { rules: broad.into_iter().chain(rules).collect(), team }
    })
}

pub fn rule(
    effect: impl Strategy<Value = Effect>,
    action: BoxedStrategy<Action>,
    condition: impl Strategy<Value = Condition> + Clone,
) -> impl Strategy<Value = Rule> {
    let who = prop_oneof![
        4 => Just(Who::Anyone), 2 => account().prop_map(Who::Account), 2 => Just(Who::Team), 3 => (0usize..2).prop_map(Who::Unit)
    ];
    let when = prop_oneof![3 => Just(Vec::new()), 2 => vec(condition, 1..=2)];
    (effect, action, who, option::weighted(0.2, a_service()), when, option::weighted(0.1, plain()))
        .prop_map(|(effect, action, who, service, when, unless)| Rule { effect, action, who, service, when, unless })
}

fn plain() -> impl Strategy<Value = Condition> + Clone {
    prop_oneof![
        3 => select(NAMES.to_vec()).prop_map(Condition::Named),
        2 => (1i64..60).prop_map(Condition::Until),
        1 => (1i64..30).prop_map(Condition::From),
        2 => (0usize..4).prop_map(Condition::Endpoint),
        1 => Just(Condition::Local),
        2 => Just(Condition::Role),
    ]
}

fn cap_of_permit() -> impl Strategy<Value = Condition> + Clone {
    prop_oneof![
        4 => plain(),
        3 => (1i64..3).prop_map(Condition::AccountBelow),
        3 => (1i64..4).prop_map(Condition::ServiceBelow),
        1 => (-1i64..3).prop_map(Condition::FailsAbove),
    ]
}

fn cap_of_forbid() -> impl Strategy<Value = Condition> + Clone {
    prop_oneof![
        4 => plain(),
        3 => (1i64..3).prop_map(Condition::AccountAtLeast),
        3 => (1i64..4).prop_map(Condition::ServiceAtLeast),
        1 => (-1i64..3).prop_map(Condition::FailsAbove),
    ]
}

fn a_move(taste: Taste) -> BoxedStrategy<Move> {
    let invoke = (0usize..2, delivery(), end(taste)).prop_map(|(lambda, event, end)| Move::Invoke { lambda, event, end });
    let mut moves: Vec<(u32, BoxedStrategy<Move>)> = vec![
        (6, ask().boxed()),
        (10, invoke.boxed()),
        (1, end(taste).prop_map(Move::Audit).boxed()),
        (2, (end(taste), rarely()).prop_map(|(end, twice)| Move::Notify { end, twice }).boxed()),
        (5, deed().prop_map(Move::Person).boxed()),
        (1, (0usize..8).prop_map(Move::Delete).boxed()),
        (1, (account(), member()).prop_map(|(account, member)| Move::Reorganize(account, member)).boxed()),
        (1, (a_service(), 0usize..2).prop_map(|(service, name)| Move::Rename { service, name }).boxed()),
        (3, select(vec![5, 40, 100, 130, 400, 400, 1300]).prop_map(|seconds| Move::Pass { seconds }).boxed()),
    ];
    if taste.faults {
        moves.push((7, fault(taste).prop_map(|(call, fault)| Move::Fault(call, fault)).boxed()));
    }
    if taste.at_once {
        moves.push((4, (0usize..2, 1usize..6).prop_map(|(lambda, moments)| Move::GoOn { lambda, moments }).boxed()));
        moves.push((1, Just(Move::Remember).boxed()));
    }
    if taste.gaps {
        moves
            .push((1, (0usize..8, select(vec![Gap::Owner, Gap::Created, Gap::State])).prop_map(|(n, gap)| Move::LeaveOut(n, gap)).boxed()));
    }
    proptest::strategy::Union::new_weighted(moves).boxed()
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let forgery = prop_oneof![
        12 => Just(Forgery::None),
        2 => account().prop_map(Forgery::Owner),
        1 => account().prop_map(Forgery::Role),
        1 => account().prop_map(Forgery::Envelope),
        1 => any::<bool>().prop_map(Forgery::Wordless),
    ];
    prop_oneof![2 => Just(Delivery::Sweep), 3 => (0usize..12, forgery).prop_map(|(n, forgery)| Delivery::Sent(n, forgery))]
}

fn end(taste: Taste) -> BoxedStrategy<End> {
    match (taste.faults, taste.at_once) {
        (false, _) => Just(End::Well).boxed(),
        (true, false) => prop_oneof![4 => Just(End::Well), 1 => (1usize..30).prop_map(End::Crash)].boxed(),
        (true, true) => {
            prop_oneof![4 => Just(End::Well), 1 => (1usize..30).prop_map(End::Crash), 2 => (1usize..16).prop_map(End::Later)].boxed()
        }
    }
}

fn deed() -> impl Strategy<Value = Deed> {
    let minutes = || option::weighted(0.7, 1i64..8);
    prop_oneof![
        2 => (0usize..8).prop_map(Deed::Accept),
        1 => (0usize..8).prop_map(Deed::Reject),
        3 => (0usize..4, minutes()).prop_map(|(n, minutes)| Deed::GrantEndpoint(n, minutes)),
        2 => (account(), a_service(), minutes()).prop_map(|(account, service, minutes)| Deed::GrantAccount { account, service, minutes }),
        1 => (0usize..3).prop_map(Deed::Revoke),
        1 => (0usize..3).prop_map(Deed::Policy),
    ]
}

/// What AWS can show. Codes of `Unsuccessful` are not documented: any will do.
fn fault(taste: Taste) -> BoxedStrategy<(Call, Fault)> {
    let reads = select(vec![
        Call::Ec2("DescribeVpcEndpointConnections"),
        Call::Ec2("DescribeVpcEndpointConnections"),
        Call::Ec2("DescribeVpcEndpointServiceConfigurations"),
        Call::Ec2("DescribeVpcEndpointConnectionNotifications"),
        Call::Ec2("DescribeVpcEndpointServicePermissions"),
        Call::Ec2("DescribeAccount"),
        Call::Ledger("RecallQuery"),
        Call::Ledger("OpenQuery"),
        Call::Ledger("GrantsQuery"),
        Call::Ledger("Query"),
    ]);
    let acts = select(vec![Call::Ec2("AcceptVpcEndpointConnections"), Call::Ec2("RejectVpcEndpointConnections")]);
    let writes = select(vec![
        Call::Ledger("PutItem"),
        Call::Ledger("PutItem"),
        Call::Ledger("TransactWriteItems"),
        Call::Ledger("AcquireLock"),
        Call::Ledger("ReleaseLock"),
        Call::Ledger("PutKnown"),
        Call::S3,
    ]);
    let before = || select(vec!["RequestLimitExceeded", "InternalError", "ServiceUnavailable", "UnauthorizedOperation", "Throttling", ""]);
    let lost = || select(vec!["InternalError", "RequestTimeout", ""]);
    let code = select(vec!["InvalidState", "InvalidVpcEndpointId.NotFound", "InternalError", "DryRunOperation", ""]);
    let partly = (code, any::<u8>(), any::<u8>()).prop_map(|(code, named, done)| Fault::Partly { code, named, done });
    let any_call = || prop_oneof![before().prop_map(Fault::Before), lost().prop_map(Fault::After)];
    let change = prop_oneof![any_call(), Just(Fault::Again), Just(Fault::Conflict)];
    let stale = if taste.at_once { (0usize..4).prop_map(Fault::Stale).boxed() } else { before().prop_map(Fault::Before).boxed() };
    prop_oneof![
        3 => (reads, prop_oneof![2 => any_call(), 2 => stale]),
        4 => (acts, prop_oneof![2 => any_call(), 1 => Just(Fault::Again), 3 => partly]),
        3 => (writes, change),
        1 => (Just(Call::Sns), any_call()),
        1 => (Just(Call::Ec2("DescribeAccount")), any_call()),
    ]
    .boxed()
}
