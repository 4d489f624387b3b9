//! All Regions of one stand-in. Each has its own services. An endpoint may be in another Region than its service; the service's
//! Region keeps it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    consumer::{Endpoint, NewEndpoint},
    error::{Changes, Ec2Error, Ec2Result, change_each},
    filters::{Filter, Page, PageRequest, tag_values},
    model::{Caller, Effect, Service},
    state::World,
};

const ENDPOINT_FILTERS: [&str; 9] = [
    "ip-address-type",
    "service-name",
    "service-region",
    "tag-key",
    "tag:*",
    "vpc-endpoint-id",
    "vpc-endpoint-state",
    "vpc-endpoint-type",
    "vpc-id",
];
const SERVICE_FILTERS: [&str; 7] =
    ["owner", "service-name", "service-region", "service-type", "supported-ip-address-types", "tag-key", "tag:*"];

/// The Regions.
#[derive(Debug, Clone)]
pub struct Regions {
    home: World,
    others: BTreeMap<String, World>,
}

impl Regions {
    /// One Region. Others have its settings, and are empty until they are used.
    pub fn new(home: World) -> Self {
        Self { home, others: BTreeMap::new() }
    }

    /// The first Region.
    pub fn home(&self) -> &World {
        &self.home
    }

    /// The first Region, for changes.
    pub fn home_mut(&mut self) -> &mut World {
        &mut self.home
    }

    /// All Regions that were used.
    pub fn worlds(&self) -> impl Iterator<Item = &World> {
        std::iter::once(&self.home).chain(self.others.values())
    }

    /// All Regions that were used, for changes. Settings must be changed in each.
    pub fn worlds_mut(&mut self) -> impl Iterator<Item = &mut World> {
        std::iter::once(&mut self.home).chain(self.others.values_mut())
    }

    /// Sets the time in all Regions.
    pub fn set_now(&mut self, now: Timestamp) {
        self.worlds_mut().for_each(|world| world.set_now(now));
    }

    /// A Region by its name.
    pub fn region(&mut self, name: &str) -> &mut World {
        if name == self.home.region() {
            return &mut self.home;
        }
        let (home, number) = (&self.home, self.others.len() + 1);
        self.others.entry(name.to_owned()).or_insert_with(|| home.empty_copy(name, number))
    }

    /// Creates an endpoint in the caller's Region for a service there or in `service_region`.
    ///
    /// Inference: AWS documents no error for a Region that the service does not support.
    pub fn create_endpoint(
        &mut self,
        caller: Caller<'_>,
        service_region: Option<&str>,
        service_name: &str,
        new: NewEndpoint,
    ) -> Ec2Result<(Endpoint, Vec<Effect>)> {
        let world = self.region(service_region.unwrap_or(caller.region));
        if world.region() != caller.region && !world.visible_service(caller.account, service_name)?.supports(caller.region) {
            let message = format!("The Vpc Endpoint Service '{service_name}' is not available in {}", caller.region);
            return Err(Ec2Error::new("InvalidServiceName", message));
        }
        world.create_endpoint(caller.account, service_name, NewEndpoint { region: Some(caller.region.to_owned()), ..new })
    }

    /// Describes the caller's endpoints in its Region, each with the state of its connection.
    pub fn describe_endpoints(
        &self,
        caller: Caller<'_>,
        ids: &[String],
        filters: &[Filter],
        page: &PageRequest,
    ) -> Ec2Result<Page<(Endpoint, String)>> {
        let mut own: Vec<(Endpoint, String)> = self.worlds().flat_map(|world| world.endpoints_of(caller)).collect();
        if let Some(id) = ids.iter().find(|id| own.iter().all(|(endpoint, _)| endpoint.id != **id)) {
            return Err(Ec2Error::endpoint_not_found(id));
        }
        own.retain(|(endpoint, _)| ids.is_empty() || ids.contains(&endpoint.id));
        self.home.page(own.iter(), &ENDPOINT_FILTERS, filters, page, |(endpoint, state), name| match name {
            "ip-address-type" => vec![&endpoint.ip_address_type],
            "service-name" => vec![&endpoint.service_name],
            "service-region" => vec![&endpoint.service_region],
            "vpc-endpoint-id" => vec![&endpoint.id],
            "vpc-endpoint-state" => vec![state],
            "vpc-endpoint-type" => vec![&endpoint.kind],
            "vpc-id" => vec![&endpoint.vpc_id],
            _ => tag_values(&endpoint.tags, name),
        })
    }

    /// Deletes endpoints in the caller's Region.
    pub fn delete_endpoints(&mut self, caller: Caller<'_>, ids: &[String]) -> Changes {
        change_each(ids, |id| self.world_of(caller.region, id)?.delete_endpoint(caller.account, id))
    }

    /// Finds services by name in some Regions, as a consumer: its own by default; `InvalidServiceName` without a permission.
    pub fn find_services(
        &mut self,
        caller: Caller<'_>,
        names: &[String],
        regions: &[String],
        filters: &[Filter],
        page: &PageRequest,
    ) -> Ec2Result<Page<Service>> {
        let own = [caller.region.to_owned()];
        let regions = if regions.is_empty() { &own } else { regions };
        let mut found = Vec::new();
        for name in names {
            let unknown = || Ec2Error::new("InvalidServiceName", format!("The Vpc Endpoint Service '{name}' does not exist"));
            let service = regions.iter().find_map(|region| self.usable_service(caller, region, name));
            found.push(service.ok_or_else(unknown)?);
        }
        self.home.page(found.iter(), &SERVICE_FILTERS, filters, page, |service, name| match name {
            "owner" => vec![&service.owner],
            "service-name" => vec![&service.name],
            "service-region" => vec![&service.region],
            "service-type" => vec![&service.kind],
            "supported-ip-address-types" => vec!["ipv4"],
            _ => tag_values(&service.tags, name),
        })
    }

    /// Adds tags in the caller's Region, or replaces their values.
    pub fn create_tags(&mut self, caller: Caller<'_>, ids: &[String], tags: &[(String, String)]) -> Ec2Result<()> {
        ids.iter().try_for_each(|id| self.world_of(caller.region, id)?.create_tags(caller.account, std::slice::from_ref(id), tags))
    }

    /// Removes the tags with these keys in the caller's Region, or all tags without keys.
    pub fn delete_tags(&mut self, caller: Caller<'_>, ids: &[String], keys: &[String]) -> Ec2Result<()> {
        ids.iter().try_for_each(|id| self.world_of(caller.region, id)?.delete_tags(caller.account, std::slice::from_ref(id), keys))
    }

    /// Returns a service of a Region that the caller may use from its own Region.
    fn usable_service(&mut self, caller: Caller<'_>, region: &str, name: &str) -> Option<Service> {
        let service = self.region(region).visible_service(caller.account, name).ok()?;
        (region == caller.region || service.supports(caller.region)).then(|| service.clone())
    }

    /// Returns the world that keeps a resource of a Region: for an endpoint, the Region of its service.
    fn world_of(&mut self, region: &str, id: &str) -> Ec2Result<&mut World> {
        let found = self.worlds().find_map(|world| Some((world.endpoint_region(id)?, world.region())));
        match found.map(|(of, keeper)| (of == region, keeper.to_owned())) {
            Some((true, keeper)) => Ok(self.region(&keeper)),
            Some((false, _)) => Err(Ec2Error::endpoint_not_found(id)),
            None => Ok(self.region(region)),
        }
    }
}
