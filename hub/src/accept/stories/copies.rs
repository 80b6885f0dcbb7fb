//! PCs and hubs that are copies of what they were: started twice, restored, forgetful.

use std::collections::BTreeMap;

use kentongan_protocol::wire::v1::notice;

use super::{CLINIC, VILLAGE, events, forgetful, route, stored_ops};
use crate::accept::world::{Pc, World};

#[test]
fn two_machines_started_from_one_folder_deliver_everything_and_are_told_apart() {
    let mut world = World::new();
    let sari = world.enrol(1, VILLAGE);
    let (mut first, mut second) = (sari.clone(), sari.restarted(2));
    for round in 0..3 {
        first.complain(&format!("dari mesin pertama {round}"));
        second.complain(&format!("dari mesin kedua {round}"));
        world.settle(&mut first);
        world.settle(&mut second);
    }
    assert_eq!(stored_ops(&mut world), 6);
    assert_eq!(events(&mut world).iter().filter(|event| *event == "replica.twin").count(), 1);
    assert_eq!(second.notices, [notice::TWIN]);
}

#[test]
fn a_pc_that_is_only_restarted_is_no_twin() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    for run in 2..5 {
        sari.complain("aduan");
        world.settle(&mut sari);
        sari = sari.restarted(run);
    }
    assert_eq!((stored_ops(&mut world), events(&mut world)), (3, vec![]));
}

#[test]
fn a_pc_restored_from_an_older_copy_gets_its_own_ops_back() {
    let mut world = World::new();
    let mut sari = world.enrol(1, VILLAGE);
    sari.complain("sebelum salinan");
    world.settle(&mut sari);
    let copy = sari.clone();
    for n in 0..400 {
        sari.complain(&format!("sesudah salinan {n} {}", "panjang ".repeat(60)));
    }
    sari = sari.restarted(2);
    sari.complain("dari proses kedua");
    world.settle(&mut sari);

    let mut restored = copy.restarted(3);
    restored.complain("sesudah pemulihan");
    let counts = world.settle(&mut restored);
    assert_eq!((counts.restored, counts.stored, stored_ops(&mut world)), (401, 1, 403));
    let bytes = |pc: &Pc, id| pc.logs.get(&id).map(|log| log.ops.iter().map(|op| op.bytes.clone()).collect::<Vec<_>>());
    for log in sari.logs.keys() {
        assert_eq!(bytes(&restored, *log), bytes(&sari, *log));
    }
    assert!(events(&mut world).contains(&"replica.restored".to_owned()));
}

#[test]
fn a_hub_that_forgot_is_refilled_by_its_writers_and_by_those_who_only_read() {
    let mut world = World::new();
    let (mut sari, mut second) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    let record = sari.complain("Lampu mati");
    world.settle(&mut sari);
    let routing = route(&mut world, record, CLINIC);
    world.settle(&mut second);
    assert!(second.read.contains(&routing) && second.read.contains(&record.0));
    let before = world.digest(record);

    // Sari's PC is gone with the hub's disk; only the second PC still holds what it has read.
    let mut world = forgetful(&world, &[&sari, &second]);
    second.echoes = true;
    second.logs.values_mut().for_each(|log| log.stored = 0);
    let counts = world.settle(&mut second);
    assert_eq!(counts.echoed, 2);
    assert_eq!(world.digest(record), before);
    assert_eq!(world.done(|tx| tx.replica(sari.replica)).map(|sari| sari.holding.ops), Some(1));
    // And Sari, restored from nothing, gets her own op back from a hub that had forgotten it.
    let mut empty = Pc { logs: BTreeMap::new(), ..sari.clone() }.restarted(9);
    assert_eq!(world.settle(&mut empty).restored, 1);
}

#[test]
fn a_hub_restored_from_an_older_copy_is_read_again_from_where_it_forgot() {
    let mut world = World::new();
    let (mut sari, mut second) = (world.enrol(1, VILLAGE), world.enrol(2, VILLAGE));
    sari.complain("satu");
    sari.complain("dua");
    world.settle(&mut sari);
    world.settle(&mut second);
    let mut world = forgetful(&world, &[&sari, &second]);
    let third = second.complain("tiga");
    world.settle(&mut second);
    world.settle(&mut sari);
    world.settle(&mut second);
    assert_eq!(stored_ops(&mut world), 3);
    assert!(sari.read.contains(&third.0));
}
