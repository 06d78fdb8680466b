import Pretraining

/// The validation records, cut into fixed batches so that anybody can measure any of them.
struct ValidationBatches: Sendable {
    private let windows: [Int]
    private let size: Int
    private let seed: UInt64

    init(windows: [Int], size: Int, seed: UInt64) {
        self.windows = windows
        self.size = size
        self.seed = seed
    }

    /// Number of batches.
    var count: Int { (windows.count + size - 1) / size }

    /// The windows of a batch.
    func shard(_ batch: Int) -> Shard {
        let start = batch * size
        let end = min(start + size, windows.count)
        return Shard(
            seed: seed, step: 0, firstPosition: start, windows: Array(windows[start..<end]),
            role: .validation)
    }

    /// The mean of each of the first numbers over all records, batches in ascending order.
    func mean(of batches: [Int: [Double]], numbers: Int) -> [Double] {
        var totals = Array(repeating: 0.0, count: numbers)
        for batch in 0..<count {
            let recordCount = Double(min(size, windows.count - batch * size))
            for (index, number) in (batches[batch] ?? []).prefix(numbers).enumerated() {
                totals[index] += number * recordCount
            }
        }
        return totals.map { $0 / Double(windows.count) }
    }
}
