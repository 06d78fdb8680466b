import LinearAlgebra
import Runtime

/// How fast matrix products are, with one thread and with one product on every thread.
public struct ProductSpeed: Sendable {
    /// The kernel set that OpenBLAS chose for this processor.
    public let kernel: String
    /// Arithmetic a second of one thread, in 1e9.
    public let oneThread: Double
    /// The same of all threads together.
    public let allThreads: Double
    /// How many threads that was.
    public let threads: Int

    /// Multiplies for a fraction of a second, with the shapes of a transformer's layers.
    ///
    /// - Parameter threads: Threads of the second measurement.
    /// - Throws: `SystemError` when no thread can be started.
    public init(threads: Int) throws(SystemError) {
        kernel = MatrixProduct.useOneThread()
        self.threads = threads
        oneThread = try Self.measure(threads: 1)
        allThreads = threads == 1 ? oneThread : try Self.measure(threads: threads)
    }

    private static func measure(threads: Int) throws(SystemError) -> Double {
        try ComputePool(threadCount: threads, name: "product").map(threads) { _, _ in
            gflopsPerSecond(during: .milliseconds(300))
        }.reduce(0, +)
    }

    /// 864 tokens through a layer of 384 x 384, again and again.
    private static func gflopsPerSecond(during duration: Duration) -> Double {
        let product = TrialProduct(rows: 864, columns: 384, terms: 384, .transposed)
        product.run()
        let started = ContinuousClock.now
        var count = 0
        while ContinuousClock.now - started < duration {
            product.run()
            count += 1
        }
        return product.operations * Double(count) / seconds(since: started) * 1e-9
    }

    /// Whether products are as fast as they should be.
    public var finding: Finding {
        let values: [String: JSONValue] = [
            "kernel": .string(kernel), "one_thread_gflops_per_second": .measured(oneThread),
            "all_threads_gflops_per_second": .measured(allThreads),
            "threads": .integer(Int64(threads)),
        ]
        let text =
            "OpenBLAS kernel \(kernel): "
            + String(format: "%.0f GFLOP/s with one thread, ", oneThread)
            + String(format: "%.0f with %d", allThreads, threads)
        if MatrixProduct.fellBack {
            return Finding(
                "matrix products", .warning, text,
                remedy: "OpenBLAS does not know this processor; set OPENBLAS_CORETYPE=Haswell, the "
                    + "same on every machine of a run",
                values: values)
        }
        if threads > 1 && allThreads < 0.6 * Double(threads) * oneThread {
            return Finding(
                "matrix products", .warning, text,
                remedy: "the threads share their cores with each other or with other work: give "
                    + "--threads the number of physical cores that are free",
                values: values)
        }
        return Finding("matrix products", .good, text, values: values)
    }
}
