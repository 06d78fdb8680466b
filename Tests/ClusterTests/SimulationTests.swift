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
            #expect(simulation.disk.contains { $0.name.step == final }, "seed \(seed)")
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
