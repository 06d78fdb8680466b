/// The name that somebody who typed `text` probably meant.
///
/// - Returns: The candidate with the fewest edits (ties to the first), or `nil` when none is near.
public func nearestName(to text: String, among candidates: [String]) -> String? {
    let scored = candidates.map { ($0, editDistance(text.lowercased(), $0.lowercased())) }
    guard let best = scored.min(by: { $0.1 < $1.1 }) else { return nil }
    return best.1 <= max(2, text.count / 3) ? best.0 : nil
}

/// Levenshtein's distance in characters.
private func editDistance(_ first: String, _ second: String) -> Int {
    let second = Array(second)
    var row = Array(0...second.count)
    for (i, character) in first.enumerated() {
        var diagonal = row[0]
        row[0] = i + 1
        for j in second.indices {
            let substitution = diagonal + (second[j] == character ? 0 : 1)
            diagonal = row[j + 1]
            row[j + 1] = min(substitution, row[j] + 1, row[j + 1] + 1)
        }
    }
    return row[second.count]
}
