import CSystem
import Configurations
import Foundation
import LinearAlgebra
import Runtime
import Tensors

/// One process's training step on synthetic windows: what it costs and where the time goes.
public struct StepBenchmark: Sendable {
    /// Medians over the measured steps.
    public struct Result: Sendable {
        /// Samples of the batch over the time of a step.
        public var samplesPerSecond: Double
        /// Floating-point operations of the matrix products over the time of a step, in 10^9.
        public var gflopsPerSecond: Double
        /// What the same threads reach on large products, in 10^9 operations a second.
        public var gemmPeakGflops: Double
        /// The most memory that the process ever held.
        public var peakResidentBytes: Int
        /// A whole step.
        public var stepSeconds: Double
        /// Forward passes, summed over threads and divided by their number.
        public var forwardSeconds: Double
        /// Backward passes, likewise; turning gradients into integers is part of it.
        public var backwardSeconds: Double
        /// What exact sums cost: turning gradients into integers (part of the backward passes), emptying and joining the
        /// sums, likewise.
        public var exactSumSeconds: Double
        /// The update.
        public var updateSeconds: Double
        /// Growth of the heap from the first measured step to the last.
        public var heapGrowthBytes: Int
        /// The kernel set of the matrix products.
        public var kernel: String
    }

    private let configuration: Configuration
    private let threads: Int
    private let steps: Int

    /// A benchmark of a configuration.
    public init(configuration: Configuration, threads: Int, steps: Int) {
        self.configuration = configuration
        self.threads = threads
        self.steps = steps
    }

    /// Measures `steps` steps after two that warm up.
    public func run() throws -> Result {
        let replica = try TrainingReplica(
            configuration: configuration, source: SyntheticWindows(),
            trainingWindows: Array(0..<1024), validationWindows: [], threads: threads)
        var (totals, forwards, backwards): ([Double], [Double], [Double]) = ([], [], [])
        var (conversions, updates): ([Double], [Double]) = ([], [])
        var heapAtStart = 0
        for step in 0..<(steps + 2) {
            let start = ContinuousClock.now
            _ = replica.takePassSeconds()
            let outcome = try replica.runStep()
            let total = (ContinuousClock.now - start) / .seconds(1)
            if step == 2 { heapAtStart = Self.heapBytes }
            guard step >= 2 else { continue }
            let passes = replica.takePassSeconds()
            totals.append(total)
            forwards.append(passes.forward / Double(threads))
            backwards.append(passes.backward / Double(threads))
            let bookkeeping = total - outcome.timings.compute - outcome.updateSeconds
            conversions.append(passes.conversion / Double(threads) + bookkeeping)
            updates.append(outcome.updateSeconds)
        }
        let seconds = Self.median(totals)
        let batch = Double(configuration.batchSize)
        return Result(
            samplesPerSecond: batch / seconds,
            gflopsPerSecond: batch * replica.method.operationsPerSample / seconds / 1e9,
            gemmPeakGflops: try gemmPeak(), peakResidentBytes: Self.peakResidentBytes,
            stepSeconds: seconds, forwardSeconds: Self.median(forwards),
            backwardSeconds: Self.median(backwards),
            exactSumSeconds: Self.median(conversions), updateSeconds: Self.median(updates),
            heapGrowthBytes: Self.heapBytes - heapAtStart, kernel: MatrixProduct.kernelName)
    }

    /// What all threads together reach on products of 1024 x 1024 matrices, each its own.
    private func gemmPeak() throws -> Double {
        let (size, rounds) = (1024, 8)
        let pool = try ComputePool(threadCount: threads)
        let products = (0..<threads).map { _ in
            TrialProduct(rows: size, columns: size, terms: size)
        }
        var best = 0.0
        for _ in 0..<3 {
            let start = ContinuousClock.now
            pool.run(threads) { task, _ in
                for _ in 0..<rounds { products[task].run() }
            }
            let seconds = (ContinuousClock.now - start) / .seconds(1)
            let operations = products.reduce(0) { $0 + $1.operations } * Double(rounds)
            best = max(best, operations / seconds / 1e9)
        }
        return best
    }

    private static var heapBytes: Int {
        let usage = mallinfo2()
        return Int(usage.uordblks + usage.hblkhd)
    }

    private static var peakResidentBytes: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }

    private static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}
