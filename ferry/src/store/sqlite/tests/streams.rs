use ferry_core::ports::Store as _;
use ferry_format::Digest;

use super::{Zone, checkpoint_of};

#[test]
fn the_audit_log_grows_with_every_step_and_holds_what_its_root_says() {
    let (owner, replica) = (Zone::new("outer"), Zone::new("inner"));
    let empty = owner.store.recover().unwrap().audit;
    assert_eq!((empty.size, empty.root), (0, Digest::of(&[])));
    let mut sizes = Vec::new();
    for no in 1..=5 {
        owner.run(&format!("INSERT INTO remark VALUES ({no}, NULL, 3)")).unwrap();
        replica.apply(vec![owner.send()]).unwrap();
        let seen = owner.store.observe().unwrap().audit;
        assert_eq!(seen, owner.store.recover().unwrap().audit);
        assert_eq!(seen, checkpoint_of(&owner));
        sizes.push((seen.size, replica.store.observe().unwrap().audit.size));
    }
    assert_eq!(sizes, [(1, 2), (2, 3), (3, 4), (4, 5), (5, 6)]);
    assert_eq!(replica.store.recover().unwrap().audit, checkpoint_of(&replica));
}
