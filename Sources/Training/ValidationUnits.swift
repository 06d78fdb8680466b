import Pretraining

/// The validation records, cut into fixed units so that anybody can measure any of them.
struct ValidationUnits: Sendable {
    private let windows: [Int]
    private let unitSize: Int
    private let seed: UInt64

    init(windows: [Int], unitSize: Int, seed: UInt64) {
        self.windows = windows
        self.unitSize = unitSize
        self.seed = seed
    }

    /// Number of units.
    var count: Int { (windows.count + unitSize - 1) / unitSize }

    /// The windows of a unit.
    func shard(_ unit: Int) -> Shard {
        let start = unit * unitSize
        let end = min(start + unitSize, windows.count)
        return Shard(
            seed: seed, step: 0, firstPosition: start, windows: Array(windows[start..<end]),
            role: .validation)
    }

    /// The mean of each of the first numbers over all records, units in ascending order.
    func mean(of units: [Int: [Double]], numbers: Int) -> [Double] {
        var totals = Array(repeating: 0.0, count: numbers)
        for unit in 0..<count {
            let size = Double(min(unitSize, windows.count - unit * unitSize))
            for (index, number) in (units[unit] ?? []).prefix(numbers).enumerated() {
                totals[index] += number * size
            }
        }
        return totals.map { $0 / Double(windows.count) }
    }
}
