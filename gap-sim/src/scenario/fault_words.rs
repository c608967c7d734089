//! What each kind of fault is called in a story.

use crate::world::faults::Fault;

/// A sentence in English and in Chinese; the zone in which it happens stands before it.
pub(super) fn words(name: &str) -> Option<[&'static str; 2]> {
    Fault::ALL.iter().find(|fault| fault.name() == name).map(|fault| of(*fault))
}

const fn of(fault: Fault) -> [&'static str; 2] {
    match fault {
        Fault::Delay => ["files take their time", "文件传输缓慢"],
        Fault::Loss => ["the gate loses a file", "网闸丢失一个文件"],
        Fault::Duplicate => ["the gate delivers a file twice", "网闸把一个文件送达两次"],
        Fault::Reorder => ["a file overtakes another", "一个文件超过另一个"],
        Fault::Alphabetical => ["files leave in the order of their names", "文件按名称顺序送出"],
        Fault::Truncate => ["a file arrives cut short", "一个文件到达时被截断"],
        Fault::BitFlip => ["a file arrives with one bit flipped", "一个文件到达时有一个比特翻转"],
        Fault::HalfVisible => ["a file is in sight half written", "一个文件尚未写完就已可见"],
        Fault::TemporaryName => ["a file bears a temporary name for a while", "一个文件暂时使用临时名称"],
        Fault::VirusHold => ["the virus scan holds a file", "病毒扫描滞留一个文件"],
        Fault::VirusRemoval => ["the virus scan removes a file", "病毒扫描删除一个文件"],
        Fault::Rename => ["the gate renames what it has taken", "网闸给已取走的文件改名"],
        Fault::ExtensionBlock => ["the gate lets no file of our extension pass", "网闸不放行本扩展名的文件"],
        Fault::SizeBlock => ["the gate lets no large file pass", "网闸不放行大文件"],
        Fault::SlowScan => ["the gate looks seldom", "网闸很少扫描"],
        Fault::Switch => ["the switch faces one side at a time", "开关每次只接通一侧"],
        Fault::OneWayDown => ["one way is down", "单向中断"],
        Fault::DirectoryFull => ["the directory for arriving files is full", "接收目录已满"],
        Fault::DiskFull => ["the disk is full", "磁盘已满"],
        Fault::DiskError => ["the disk answers with errors", "磁盘报错"],
        Fault::ClockStep => ["the wall clock is set", "系统时间被修改"],
        Fault::ClockDrift => ["the clock runs fast or slow", "时钟走快或走慢"],
        Fault::ClockStandstill => ["the machine is suspended", "机器被挂起"],
        Fault::Crash => ["the daemon is about to be killed", "守护进程即将被杀死"],
        Fault::PowerCut => ["the power is about to fail", "即将断电"],
        Fault::LostWrites => ["what was not synced is gone", "未同步的写入丢失"],
        Fault::UnknownCommit => ["the answer to the next commit will be lost", "下一次提交的结果将无法得知"],
        Fault::DatabaseBusy => ["the database is busy", "数据库繁忙"],
        Fault::DatabaseFull => ["the database has no room", "数据库空间不足"],
        Fault::Replay => ["an old file comes once more", "一个旧文件再次到来"],
        Fault::WrongKey => [
            "a batch arrives that a stranger forged and signed with a key of his own",
            "到来一个陌生人伪造的批次，用其自己的密钥签名",
        ],
        Fault::Forged => [
            "a batch arrives that somebody forged and signed with a stolen key",
            "到来一个伪造的批次，用窃取的密钥签名",
        ],
        Fault::Flood => ["300 files arrive that nobody signed", "涌来三百个无人签名的文件"],
        Fault::ReDrop => {
            ["an operator drops an archived file again, under another name", "操作员把一个归档文件换名后再次放入"]
        }
        Fault::OwnerRestored | Fault::ReceiverRestored => {
            ["the database is put back from a backup", "数据库从备份恢复"]
        }
        Fault::BothRestored => ["the databases of both zones are put back from backups", "两侧数据库都从备份恢复"],
        Fault::OwnerRebuilt => [
            "the disk is lost, and the database and its anchor are put back from a backup",
            "磁盘损毁，数据库与锚文件从备份恢复",
        ],
        Fault::AnchorLost => ["the file with the anchor is gone", "锚文件不见了"],
        Fault::ContractSkew => ["the daemon gets another version of the contract", "守护进程得到另一版交换契约"],
        Fault::PoisonRow => ["a row is committed that the other database does not take", "提交了对端数据库拒收的一行"],
        Fault::UnsendableRow => ["a row is committed that cannot be encoded", "提交了无法编码的一行"],
        Fault::TwoStatements
        | Fault::StolenKey
        | Fault::KeysChanged
        | Fault::KeyRevoked
        | Fault::OperatorHold
        | Fault::OperatorResend
        | Fault::OperatorReseal
        | Fault::OperatorSupersede
        | Fault::OperatorLoad
        | Fault::OperatorEpoch
        | Fault::ForgedEpoch => of_people(fault),
        Fault::SpoolRot => ["a held file rots on the disk", "一个已持有的文件在磁盘上损坏"],
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the caller names the others")]
const fn of_people(fault: Fault) -> [&'static str; 2] {
    match fault {
        Fault::TwoStatements => [
            "a second batch arrives for a place that has one, signed with the owner's key",
            "为同一位置又到来一个批次，用所有者的密钥签名",
        ],
        Fault::StolenKey => [
            "a batch arrives before the owner's own, signed with the owner's key",
            "一个批次抢在所有者之前到来，用所有者的密钥签名",
        ],
        Fault::KeysChanged => ["the zone makes its next keys", "本区生成下一代密钥"],
        Fault::KeyRevoked => [
            "the zone's key was stolen: two operators revoke it, and the zone signs with a new one",
            "本区密钥被盗：两名操作员将其吊销，本区改用新密钥签名",
        ],
        Fault::OperatorHold => ["an operator puts a stream on hold, or lets it go on", "操作员暂停一条流，或使其继续"],
        Fault::OperatorResend => ["an operator has batches sent again", "操作员要求重发批次"],
        Fault::OperatorLoad => {
            ["an operator has every row of a stream captured once more", "操作员要求重新捕获一条流的全部记录"]
        }
        Fault::OperatorSupersede => {
            ["two operators put other batches into the place of a group", "两名操作员以其他批次取代一组批次"]
        }
        Fault::OperatorEpoch => ["two operators begin another epoch of a stream", "两名操作员开始一条流的新纪元"],
        Fault::ForgedEpoch => ["somebody with the zone's key begins another epoch", "有人用本区密钥擅自开始新纪元"],
        Fault::OperatorReseal => ["an operator has batches sealed again", "操作员要求重新封装批次"],
        _ => panic!("the caller names the others"),
    }
}
