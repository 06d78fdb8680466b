import Configurations
import Electrocardiography
import Kernels

/// Three rows of a batch: one that is compared, one that belongs to it, and one that does not.
public struct Triplet: Equatable, Sendable {
    /// The row that is compared.
    public let anchor: Int
    /// A row of the same class.
    public let positive: Int
    /// A row of another class.
    public let negative: Int

    /// Three rows.
    public init(anchor: Int, positive: Int, negative: Int) {
        self.anchor = anchor
        self.positive = positive
        self.negative = negative
    }
}

/// Which triplets of a batch are trained on.
public typealias TripletMining = TripletConfiguration.Mining

/// Which rows of a batch belong together, and which do not; two rows may be neither.
public struct TripletClasses {
    /// Number of rows.
    public let count: Int
    private let relation: (Int, Int) -> Bool?

    /// Classes by number.
    ///
    /// - Parameter labels: One a row; those with a negative number take no part.
    public init(labels: [Int]) {
        count = labels.count
        relation = { labels[$0] < 0 || labels[$1] < 0 ? nil : labels[$0] == labels[$1] }
    }

    /// Sets of superclasses.
    ///
    /// - Parameters:
    ///   - superclasses: One set a row; rows without any take no part.
    ///   - usesSets: Whether records with several superclasses take part: as positive where the sets are equal, as
    ///     negative where they have nothing in common.
    public init(superclasses: [Superclasses], usesSets: Bool) {
        count = superclasses.count
        relation = { a, b in
            let (first, second) = (superclasses[a], superclasses[b])
            guard !first.isEmpty, !second.isEmpty else { return nil }
            if !usesSets, first.members.count > 1 || second.members.count > 1 { return nil }
            return first == second ? true : first.isDisjoint(with: second) ? false : nil
        }
    }

    /// The other rows of an anchor's class, in ascending order.
    func positives(of anchor: Int) -> [Int] {
        (0..<count).filter { $0 != anchor && relation(anchor, $0) == true }
    }

    /// The rows of other classes, in ascending order.
    func negatives(of anchor: Int) -> [Int] {
        (0..<count).filter { relation(anchor, $0) == false }
    }

    /// The share of rows whose nearest positive is nearer than every negative, and that share if the nearest row were
    /// drawn by lot; over rows that have both.
    ///
    /// - Parameter distance: The distance of two rows.
    /// - Returns: Zeros where no row has both.
    public func retrieval(
        distance: (Int, Int) -> Double
    ) -> (accuracy: Double, chance: Double) {
        var (rows, found, chance) = (0, 0, 0.0)
        for anchor in 0..<count {
            let (same, other) = (positives(of: anchor), negatives(of: anchor))
            guard let positive = same.map({ distance(anchor, $0) }).min(),
                let negative = other.map({ distance(anchor, $0) }).min()
            else { continue }
            rows += 1
            if positive < negative { found += 1 }
            chance += Double(same.count) / Double(same.count + other.count)
        }
        guard rows > 0 else { return (0, 0) }
        return (Double(found) / Double(rows), chance / Double(rows))
    }
}

extension TripletMining {
    /// The triplets of a batch; anchors without a positive or without a negative have none.
    ///
    /// - Parameters:
    ///   - classes: Which rows belong together.
    ///   - distance: The distance of two rows.
    ///   - random: The stream of an anchor, for mining by lot.
    /// - Returns: In the order of anchors; ties go to the lower row.
    public func triplets(
        _ classes: TripletClasses, distance: (Int, Int) -> Double,
        random: (_ anchor: Int) -> RandomStream
    ) -> [Triplet] {
        (0..<classes.count).flatMap { anchor -> [Triplet] in
            let positives = classes.positives(of: anchor)
            let negatives = classes.negatives(of: anchor)
            guard !positives.isEmpty, !negatives.isEmpty else { return [] }
            switch self {
            case .random:
                var stream = random(anchor)
                let positive = positives[stream.nextInteger(below: positives.count)]
                let negative = negatives[stream.nextInteger(below: negatives.count)]
                return [Triplet(anchor: anchor, positive: positive, negative: negative)]
            case .batchHard:
                let positive = Self.largest(positives) { distance(anchor, $0) }
                let negative = Self.largest(negatives) { -distance(anchor, $0) }
                return [Triplet(anchor: anchor, positive: positive, negative: negative)]
            case .semiHard:
                return positives.map { positive in
                    let limit = distance(anchor, positive)
                    let farther = negatives.filter { distance(anchor, $0) > limit }
                    let negative =
                        farther.isEmpty
                        ? Self.largest(negatives) { distance(anchor, $0) }
                        : Self.largest(farther) { -distance(anchor, $0) }
                    return Triplet(anchor: anchor, positive: positive, negative: negative)
                }
            }
        }
    }

    private static func largest(_ rows: [Int], _ value: (Int) -> Double) -> Int {
        var (best, most) = (rows[0], value(rows[0]))
        for row in rows.dropFirst() {
            let next = value(row)
            if next > most { (best, most) = (row, next) }
        }
        return best
    }
}
