//! The database of a zone: made with the zone, or anew for one that has lost it and has no backup.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ferry_core::contract::Contract;
use ferry_format::{EpochId, Instance, StreamName};
use serde_json::json;

use super::init::{check_zones, directories, directory, with_remains};
use super::output::Output;
use super::{Context, desk};
use crate::config::{Config, ZoneLock, check_layout, load_contract, load_schema};
use crate::keyring::{OsEntropy, credentials_directory, load_keys, load_trace_key, read_trust, trace_key_path};
use crate::lang::Text;
use crate::store::{Registration, SqliteStore, TraceKey, create, fault as store_fault};
use crate::{ExitCode, Fault, Lang, text};

/// What SQLite keeps beside a database: what is in it could still be read.
const BESIDE: [&str; 3] = ["", "-wal", "-shm"];

/// What a database is made from.
pub(super) struct NewDatabase<'a> {
    /// The zone.
    pub config: &'a Config,
    /// What crosses.
    pub contract: &'a Contract,
    /// The contract's text.
    pub text: &'a str,
    /// The business tables.
    pub schema: &'a str,
    /// The id of this life of the database.
    pub instance: Instance,
    /// The wall clock.
    pub now_ms: u64,
}

impl NewDatabase<'_> {
    /// Makes the database, with a fresh life of every own stream, and installs capture.
    pub fn make(
        &self,
        secret: Option<TraceKey>,
        entropy: &mut OsEntropy,
        made: &mut Vec<PathBuf>,
    ) -> Result<SqliteStore, Fault> {
        let (config, path) = (self.config, &self.config.database.path);
        let mut epochs = BTreeMap::<StreamName, EpochId>::new();
        for stream in self.contract.owned_by(&config.zone) {
            epochs.insert(stream.name.clone(), EpochId(entropy.fresh().map_err(Fault::internal)?));
        }
        let registration = Registration {
            zone: &config.zone,
            contract: self.contract,
            text: self.text,
            epochs: &epochs,
            now_ms: self.now_ms,
        };
        let failed = |error| store_fault(&error);
        create(path, &config.link, self.instance, self.schema, &registration).map_err(failed)?;
        made.push(path.clone());
        let store = SqliteStore::open(path, &config.link).map_err(failed)?;
        let store = match secret {
            Some(secret) => store.indexed(secret).map_err(failed)?,
            None => store,
        };
        store.install_capture(&registration, &BTreeSet::new()).map_err(failed)?;
        Ok(store)
    }
}

/// Makes the database of a zone that has lost it anew. No anchor is written: what the zone has sent under the old database nobody
/// here knows, so it must hear its peer before it sends a first batch once more. An anchor that is there is left there; it is
/// another database's, and so counts for no more.
///
/// # Errors
/// When there is a database, when contract, keys or trust are missing, when the daemon runs, or a step fails; then the message
/// lists what has been made.
pub(super) fn run(context: &Context) -> Result<Output, Fault> {
    let config = desk::config(context)?;
    nothing_is_there(&config.database.path)?;
    let (contract, text) = load_contract(&config.contract)?;
    let schema = load_schema(&config.contract, &contract, config.database.kind.as_str())?;
    check_zones(&config, &contract)?;
    check_layout(&config)?;
    load_keys(&config, credentials_directory().as_deref())?;
    read_trust(&config.paths.trust)?;
    let mut entropy = OsEntropy::new();
    let instance = Instance(entropy.fresh().map_err(Fault::internal)?);
    let new = NewDatabase {
        config: &config,
        contract: &contract,
        text: &text,
        schema: &schema,
        instance,
        now_ms: context.now_ms,
    };
    let mut made = Vec::new();
    carry_out(&new, &mut entropy, &mut made).map_err(|fault| with_remains(fault, &made))?;
    Ok(answer(&new, &made, context.lang))
}

fn carry_out(new: &NewDatabase<'_>, entropy: &mut OsEntropy, made: &mut Vec<PathBuf>) -> Result<(), Fault> {
    let config = new.config;
    // The daemon makes the secret where there is none.
    let has_secret = trace_key_path(config).symlink_metadata().is_ok();
    let secret = has_secret.then(|| load_trace_key(config)).transpose()?;
    directories(config, made)?;
    for file in [&config.database.path, &config.paths.anchor] {
        directory(file.parent().unwrap_or_else(|| Path::new("/")), made)?;
    }
    // A daemon may have the lost file open still, and go on applying into it.
    let _lock = ZoneLock::take(config)?;
    new.make(secret, entropy, made)?.close().map_err(|error| store_fault(&error.into()))
}

fn nothing_is_there(path: &Path) -> Result<(), Fault> {
    for suffix in BESIDE {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let beside = PathBuf::from(name);
        if beside.symlink_metadata().is_ok() {
            return Err(exists(&beside));
        }
    }
    Ok(())
}

fn answer(new: &NewDatabase<'_>, made: &[PathBuf], lang: Lang) -> Output {
    let (config, contract) = (new.config, new.contract);
    let (zone, link, database) = (&config.zone, &config.link, config.database.path.display());
    let is_kept = config.paths.anchor.symlink_metadata().is_ok();
    let anchor = config.paths.anchor.display();
    let own: Vec<&str> = contract.owned_by(zone).map(|stream| stream.name.as_str()).collect();
    let (file, streams) = (config.file.display(), own.join(", "));
    let locked = match (is_kept, lang) {
        (true, Lang::En) => format!("the anchor {anchor} is of the lost database and was left there (anchor-foreign)"),
        (false, Lang::En) => "the zone has no anchor, and none was made (anchor-missing)".to_owned(),
        (true, Lang::Zh) => format!("锚点 {anchor} 属于已丢失的数据库，予以保留（anchor-foreign）"),
        (false, Lang::Zh) => "本区没有锚点，也未创建（anchor-missing）".to_owned(),
    };
    let human = match lang {
        Lang::En => format!(
            "zone {zone} of link {link} has a new database, with empty tables:\n  {database}\n\
             configuration, contract, keys and trust are as they were\n\
             {locked}: the zone is locked, and sends nothing before it has heard its peer\n\n\
             next:\n  1. ferry run --config {file}\n  \
             2. where `ferry status` says that a stream of this zone stays locked ({streams}): put back into its tables what you \
             have, then two operators: ferry new-epoch STREAM --config {file}\n  \
             3. what the peer sends comes again; where its `ferry status` says that it cannot, its operators do the same there\n"
        ),
        Lang::Zh => format!(
            "链路 {link} 的 {zone} 区已有新数据库，各表为空：\n  {database}\n\
             配置、契约、密钥与信任保持不变\n\
             {locked}：本区已锁定，在收到对端消息之前不会发送\n\n\
             下一步：\n  1. ferry run --config {file}\n  \
             2. 若 `ferry status` 显示本区的流（{streams}）仍被锁定：先把尚存的数据补入其各表，再由两名操作员运行 \
             ferry new-epoch 流 --config {file}\n  \
             3. 对端所发内容会重新送达；若对端的 `ferry status` 显示无法重发，由其操作员在对端同样处理\n"
        ),
    };
    let json = json!({
        "zone": zone.as_str(), "peer": config.peer.as_str(), "link": link.as_str(),
        "config": config.file, "database": config.database.path, "instance": new.instance.to_string(),
        "anchor": if is_kept { "foreign" } else { "missing" }, "streams": own, "made": made,
    });
    Output::new(human, json)
}

fn exists(path: &Path) -> Fault {
    let path = path.display();
    Fault::new(
        "database-exists",
        ExitCode::Exists,
        text!("{path} is there already; nothing was made", "{path} 已存在；未创建任何内容"),
        Text::fixed(
            "only a zone that has lost its database needs another one: if this one is of no use, move it away with what lies beside it",
            "只有丢失了数据库的区才需要重建：如该数据库确已无用，请将其连同旁边的文件一并移走",
        ),
    )
}
