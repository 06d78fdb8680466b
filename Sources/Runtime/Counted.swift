/// A number of things in words: `1 record`, `2 records`.
///
/// - Parameters:
///   - count: How many there are.
///   - noun: One of them, whose plural ends in s.
/// - Returns: Number and noun.
public func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
}
