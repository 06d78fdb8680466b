import Electrocardiography
import LinearAlgebra
import Runtime

/// The records of the training folds whose vectors are nearest to one record's.
public struct NeighbourSearch: Sendable {
    /// A near record.
    public struct Neighbour: Sendable {
        /// The record.
        public let record: EvaluatedRecord
        /// How far away it is.
        public let distance: Double
    }

    /// The record whose neighbours they are.
    public let query: EvaluatedRecord
    /// From the nearest on; of equally near ones those that come first in the set.
    public let neighbours: [Neighbour]
    /// How near is measured.
    public let distance: NearestNeighbours.Distance

    /// Finds neighbours.
    ///
    /// - Parameters:
    ///   - query: The record.
    ///   - candidates: Records of the training folds; the query itself is never its own neighbour.
    ///   - count: How many.
    ///   - distance: How near is measured.
    ///   - includesPatient: Whether other records of the query's patient may be neighbours.
    ///   - embed: Vectors of records, a row each.
    /// - Throws: `EvaluationError.tooFewCandidates`, and whatever `embed` throws.
    public init(
        of query: EvaluatedRecord, among candidates: [EvaluatedRecord], count: Int,
        distance: NearestNeighbours.Distance, includesPatient: Bool,
        embed: ([EvaluatedRecord]) throws -> Matrix
    ) throws {
        let own = query.description
        let allowed = candidates.filter { candidate in
            let other = candidate.description
            guard other.name != own.name || other.source != own.source else { return false }
            return includesPatient || own.patient == nil || other.patient != own.patient
        }
        guard allowed.count >= count else {
            throw EvaluationError.tooFewCandidates(wanted: count, records: allowed.count)
        }
        let vectors = try embed([query] + allowed)
        let compared = distance == .cosine ? vectors.unitRows : vectors
        let first = compared.row(0)
        let distances = (1..<compared.rows).map { row in
            switch distance {
            case .euclidean:
                zip(first, compared.row(row)).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
                    .squareRoot()
            case .cosine: 1 - zip(first, compared.row(row)).reduce(0) { $0 + $1.0 * $1.1 }
            }
        }
        let order = distances.indices.sorted { (distances[$0], $0) < (distances[$1], $1) }
        neighbours = order.prefix(count).map {
            Neighbour(record: allowed[$0], distance: distances[$0])
        }
        (self.query, self.distance) = (query, distance)
    }

    /// Neighbours that share a superclass with the record.
    public var agreeing: Int {
        neighbours.count { neighbour in
            neighbour.record.classes.contains { query.classes.contains($0) }
        }
    }

    /// The records by name.
    public var json: [String: JSONValue] {
        [
            "query": .object(query.json), "distance_kind": .string(distance.rawValue),
            "sharing_a_superclass": .integer(Int64(agreeing)),
            "neighbours": .array(
                neighbours.map { neighbour in
                    .object(
                        neighbour.record.json.merging(["distance": .number(neighbour.distance)]) {
                            first, _ in first
                        })
                }),
        ]
    }
}

extension EvaluatedRecord {
    /// What is known of the record, by name.
    public var json: [String: JSONValue] {
        [
            "record": .string(description.name),
            "superclasses": .array(classes.map { .string(LabelledRecords.classNames[$0]) }),
            "codes": .array(description.codes.map { .string($0.code) }),
            "fold": description.fold.map { .integer(Int64($0)) } ?? .null,
            "patient": description.patient.map { .string($0) } ?? .null,
            "age_years": description.ageYears.map { .number(Double($0)) } ?? .null,
            "sex": description.sex.map { .string("\($0)") } ?? .null,
        ]
    }
}

extension PreparedDataset {
    /// The record of a name.
    ///
    /// - Parameters:
    ///   - name: PTB-XL's `ecg_id`, or the path below its source.
    ///   - rule: Which codes count as labels.
    /// - Returns: The first record of that name.
    /// - Throws: `EvaluationError.noRecord`, with the name that was probably meant.
    public func record(
        named name: String, rule: LabelRule
    ) throws(EvaluationError) -> EvaluatedRecord {
        let all = records(rule: rule)
        guard let found = all.first(where: { $0.description.name == name }) else {
            throw .noRecord(
                name: name, dataset: path,
                nearest: nearestName(to: name, among: all.map(\.description.name)))
        }
        return found
    }
}
