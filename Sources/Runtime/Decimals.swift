import Foundation

/// A number with a fixed count of decimals, such as measures between 0 and 1 with three.
public func decimals(_ value: Double, _ count: Int = 3) -> String {
    String(format: "%.\(count)f", value)
}
