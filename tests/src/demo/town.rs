//! Both zones with all that runs in them: daemons, nodes, the people and systems that nodes know, and the gate between.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::clock::Clock;
use super::failure::Failure;
use super::folder::Folder;
use super::gate;
use super::line::Client;
use super::outcome::Asked;
use super::process::Program;
use super::programs::Programs;
use super::stop::Stop;
use super::verb::obey;
use super::zone::{Zone, lay_out_contract};
use super::zone_node::{Node, key_file};

/// The seeds of the keys: the nodes' own, and those of the systems that speak with them.
const INNER_KEY: u8 = 21;
const OUTER_KEY: u8 = 22;
const LEDGER_KEY: u8 = 23;
const POLICE_KEY: u8 = 24;
const BANK_KEY: u8 = 25;
const OFFICE_KEY: u8 = 26;
const SITE_KEY: u8 = 27;
const CHANNEL_KEYS: u8 = 31;
/// The channels (支付渠道).
const CHANNELS: [&str; 3] = ["WECHAT", "ALIPAY", "UNIONPAY"];

/// Who enters, who allows what another one asked for, and who reads, in the inner zone.
pub const OPERATOR: &str = "li";
/// Who allows what the operator asked for.
pub const REVIEWER: &str = "zhao";

/// Where the two systems of one agency are told of what happened.
#[derive(Debug, Clone, Copy)]
pub struct Told<'t> {
    /// The id of the agency.
    pub agency_id: &'t str,
    /// The address of its system inside.
    pub office: &'t str,
    /// The address of its site outside.
    pub site: &'t str,
}

/// Both zones.
#[derive(Debug)]
pub struct Town {
    /// The inner zone.
    pub inner_zone: Zone,
    /// The outer zone.
    pub outer_zone: Zone,
    /// The intranet node.
    pub inner: Node,
    /// The extranet payment node.
    pub outer: Node,
    /// The ledger that is there already, inside.
    pub ledger: Client,
    /// The police, who report payments made to them.
    pub police: Client,
    /// A bank, which reports payments made at its counters.
    pub bank: Client,
    /// The site of agencies, outside.
    pub site: Client,
    /// The channels, outside.
    pub channels: Vec<Client>,
    gap_sim: PathBuf,
    report: PathBuf,
}

impl Town {
    /// Makes both zones: keys, trust, databases, nodes, people and systems. Whoever is not told of what happened asks.
    ///
    /// # Errors
    /// When a program refuses.
    pub fn make(
        programs: &Programs,
        folder: &Folder,
        time_scale: u32,
        told: Option<Told<'_>>,
    ) -> Result<Self, Failure> {
        lay_out_contract(folder)?;
        let inner_zone = Zone::make(&programs.ferry, folder, ["inner", "outer"], time_scale)?;
        let outer_zone = Zone::make(&programs.ferry, folder, ["outer", "inner"], time_scale)?;
        inner_zone.trust(&outer_zone)?;
        outer_zone.trust(&inner_zone)?;
        let [inner, outer] = nodes(programs, [&inner_zone, &outer_zone])?;
        let town = Self {
            inner_zone,
            outer_zone,
            inner,
            outer,
            ledger: Client::new("ledger-1", LEDGER_KEY),
            police: Client::new("police-1", POLICE_KEY),
            bank: Client::new("bank-1", BANK_KEY),
            site: Client::new("site-1", SITE_KEY),
            channels: CHANNELS.into_iter().zip(CHANNEL_KEYS..).map(|(id, seed)| Client::new(id, seed)).collect(),
            gap_sim: programs.gap_sim.clone(),
            report: folder.root().join("gate-report.json"),
        };
        town.settle_in(told)?;
        Ok(town)
    }

    /// Starts the gate, the daemons and the nodes, in the order in which the last is ended first.
    ///
    /// # Errors
    /// When one of them does not start.
    pub fn start(
        &self,
        folder: &Folder,
        asked: &Asked,
        (clock, stop): (Clock, &Stop),
    ) -> Result<Vec<Program>, Failure> {
        let zones = [&self.inner_zone, &self.outer_zone];
        Ok(vec![
            gate::start(&self.gap_sim, folder, asked, zones, &self.report)?,
            self.inner_zone.start(folder)?,
            self.outer_zone.start(folder)?,
            self.inner.start(folder, (clock, stop))?,
            self.outer.start(folder, (clock, stop))?,
        ])
    }

    /// Where the gate puts its report.
    #[must_use]
    pub fn report(&self) -> &Path {
        &self.report
    }

    /// The public keys of the inner and of the outer node, by which those who are told know them.
    #[must_use]
    pub fn public_keys() -> [String; 2] {
        [Client::new("inner", INNER_KEY).public, Client::new("outer", OUTER_KEY).public]
    }

    fn settle_in(&self, told: Option<Told<'_>>) -> Result<(), Failure> {
        self.inner.person(OPERATOR, "李明", "operator")?;
        self.inner.person(REVIEWER, "赵敏", "reviewer")?;
        self.inner.client(&self.ledger, "ledger", [None, None])?;
        self.inner.client(&self.police, "counter:police", [None, None])?;
        self.inner.client(&self.bank, "counter:bank", [None, None])?;
        if let Some(told) = told {
            let office = Client::new("office-1", OFFICE_KEY);
            self.inner.client(&office, "agency", [Some(told.agency_id), Some(told.office)])?;
        }
        self.outer.client(
            &self.site,
            "unit",
            told.map_or([None, None], |told| [Some(told.agency_id), Some(told.site)]),
        )?;
        self.channels.iter().try_for_each(|channel| self.outer.client(channel, "channel", [None, None]))
    }
}

/// Makes both nodes. The key of sensitive columns is made in one zone and carried to the other by hand.
fn nodes(programs: &Programs, [inner, outer]: [&Zone; 2]) -> Result<[Node; 2], Failure> {
    let field_keys = [inner, outer].map(|zone| zone.config.with_file_name("field.key"));
    let arguments: [&OsStr; 3] = ["field-key".as_ref(), field_keys[0].as_ref(), "--json".as_ref()];
    obey(&programs.inner_node, &arguments, "")?;
    std::fs::copy(&field_keys[0], &field_keys[1]).map_err(|cause| Failure::file(&field_keys[1], &cause))?;
    let push = format!("[push]\nid = \"inner\"\nkey = {}\n", key_file(inner, "push", INNER_KEY)?);
    let callbacks = format!("[callbacks]\nid = \"outer\"\nkey = {}\n", key_file(outer, "callback", OUTER_KEY)?);
    let channels: String = CHANNELS.iter().map(|id| format!("[[channel]]\nid = \"{id}\"\n")).collect();
    Ok([
        Node::make("inner-node", &programs.inner_node, inner, &field_keys[0], &push)?,
        Node::make("outer-node", &programs.outer_node, outer, &field_keys[1], &(callbacks + &channels))?,
    ])
}
