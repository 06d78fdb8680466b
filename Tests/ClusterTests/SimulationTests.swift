import Foundation
import Testing

@testable import Cluster

@Suite struct SimulationTests {
    /// Histories a block: the suite's time is bounded; `PURKINJE_SIMULATION_SEEDS=50` plays 2,500 of them.
    static let seeds =
        ProcessInfo.processInfo.environment["PURKINJE_SIMULATION_SEEDS"].flatMap(UInt64.init) ?? 6

    static func settings(workers: Int, shards: Int = 7, steps: UInt64 = 12)
        -> CoordinatorSettings
    {
        var settings = CoordinatorSettings()
        settings.workers = workers
        settings.minimumWorkers = max(1, workers / 2)
        settings.logicalShards = shards
        settings.finalStep = steps
        settings.checkpointEvery = 4
        return settings
    }

    private func play(
        _ seeds: Range<UInt64>, workers: (UInt64) -> Int, rates: FaultRates, faults: Int
    ) {
        for seed in seeds {
            var simulation = Simulation(
                seed: seed, settings: Self.settings(workers: workers(seed)), rates: rates,
                faults: faults)
            simulation.run()
            if let problem = simulation.problems.first {
                Issue.record("seed \(seed): \(problem)")
                return
            }
            let outcome = simulation.outcome
            guard outcome?.exitCode == 0 else {
                Issue.record("seed \(seed) ended with \(String(describing: outcome))")
                return
            }
            let final = simulation.settings.finalStep
            #expect(simulation.metricsStep == final, "seed \(seed)")
            #expect(
                simulation.disk.contains { $0.name.step == final && $0.isWhole }, "seed \(seed)")
        }
    }

    @Test(arguments: [1, 2, 3, 5, 7, 9])
    func undisturbedRunsEndWithoutRecomputation(workers: Int) {
        var simulation = Simulation(
            seed: 1, settings: Self.settings(workers: workers), rates: .none, faults: 0)
        simulation.run()
        #expect(simulation.problems.isEmpty, "\(simulation.problems)")
        #expect(simulation.outcome?.exitCode == 0)
        // 12 steps, 4 of them in two rounds, 7 shards each.
        #expect(simulation.recomputedShards == 16 * 7)
    }

    @Test(arguments: 0..<20)
    func runsSurviveWorkerFaults(block: UInt64) {
        var rates = FaultRates()
        rates.coordinator = 0
        play(
            block * Self.seeds..<(block + 1) * Self.seeds, workers: { Int($0 % 5) + 1 },
            rates: rates, faults: 8)
    }

    @Test(arguments: 20..<40)
    func runsSurviveEveryKindOfFault(block: UInt64) {
        play(
            block * Self.seeds..<(block + 1) * Self.seeds, workers: { Int($0 % 5) + 1 },
            rates: FaultRates(),
            faults: 8)
    }

    /// Everybody dies again and again, so that checkpoints are loaded, by workers of which some can read none.
    @Test func runsSurviveLoadsAndSavesThatFail() {
        var (blind, damaged, slow, failed) = (0, 0, 0, 0)
        for seed in 70 * Self.seeds..<80 * Self.seeds {
            var rates = FaultRates()
            (rates.kill, rates.leave, rates.join, rates.freeze) = (60, 0, 0, 0)
            (rates.blindness, rates.damage) = (1_500, 1_000)
            (rates.failedSave, rates.failedShard, rates.hangingShard) = (1_500, 500, 1_500)
            var simulation = Simulation(
                seed: seed, settings: Self.settings(workers: Int(seed % 4) + 2, steps: 40),
                rates: rates, faults: 40)
            simulation.run()
            if let problem = simulation.problems.first {
                Issue.record("seed \(seed): \(problem)")
                return
            }
            #expect(simulation.outcome?.exitCode == 0, "seed \(seed)")
            #expect(simulation.disk.contains { $0.name.step == 40 && $0.isWhole }, "seed \(seed)")
            blind += simulation.blindLoads
            damaged += simulation.damagedLoads
            slow += simulation.slowSaves
            failed += simulation.failedSaves.values.reduce(0, +)
        }
        for count in [blind, damaged, slow, failed] { #expect(count > 3) }
    }

    /// At any moment, after any faults: what was done is saved, and the end comes soon.
    @Test(arguments: 50..<70)
    func aStopSavesWhatSomebodyHolds(block: UInt64) {
        var codes: [Int32: Int] = [:]
        for seed in block * Self.seeds..<(block + 1) * Self.seeds {
            var rates = FaultRates()
            rates.coordinator = 20
            rates.leave = 8
            var simulation = Simulation(
                seed: seed,
                settings: Self.settings(workers: Int(seed % 5) + 1, steps: 200), rates: rates,
                faults: 8)
            var random = SeededGenerator(seed: seed ^ 0xABCD)
            let stopAt = Duration.milliseconds(Int.random(in: 0...20_000, using: &random))
            simulation.stopAt = stopAt
            simulation.run()
            let code = simulation.outcome?.exitCode ?? -1
            codes[code, default: 0] += 1
            let committed = simulation.coordinator?.committedSteps ?? 0
            let saved = simulation.disk.filter(\.isWhole).map(\.name.step).max() ?? 0
            let text = "seed \(seed), stop at \(stopAt), end at \(simulation.time): "
            if let problem = simulation.problems.first { Issue.record("\(text)\(problem)") }
            #expect([0, 130, 1].contains(code), "\(text)code \(code)")
            #expect(saved == committed, "\(text)\(committed) is the last step, \(saved) is saved")
            #expect(simulation.metricsStep == committed, "\(text)metrics end at another step")
            #expect(committed >= simulation.heldAtStop, "\(text)lost \(simulation.heldAtStop)")
            // Of the simulated time of a step and a save with every wait that a stop allows.
            #expect(
                simulation.time < max(stopAt, simulation.restartAt) + .seconds(15), "\(text)late")
        }
        #expect(codes[130, default: 0] > 0, "\(codes)")
    }

    @Test(arguments: 40..<50)
    func runsSurviveAJournalThatLostItsTail(block: UInt64) {
        var rates = FaultRates()
        rates.losesJournalTail = true
        rates.coordinator = 15
        play(
            block * Self.seeds..<(block + 1) * Self.seeds, workers: { Int($0 % 4) + 1 },
            rates: rates, faults: 8)
    }
}
