import Electrocardiography
import Kernels

/// A part of the labelled records, as if no more had been labelled: drawn by patient, with records of every class that
/// there is, and records of none but others.
///
/// Patients are put in an order by lot, those who are the first with a class, or the first without one, before all others; a
/// part is a beginning of this order. So a larger part of the same draw contains a smaller one.
public struct LabelSubset: Sendable {
    private let order: [Int]
    /// Patients at the beginning that every part has.
    private let needed: Int

    /// Orders patients.
    ///
    /// - Parameters:
    ///   - patients: Each record's patient.
    ///   - classes: Each record's classes.
    ///   - seed: Of the lot.
    public init(patients: [Int], classes: [Superclasses], seed: UInt64) {
        // The classes that a patient has in any record, and those of all of them.
        var found: [Int: (ever: Superclasses, always: Superclasses)] = [:]
        for (patient, classes) in zip(patients, classes) {
            let (ever, always) = found[patient] ?? ([], classes)
            found[patient] = (ever.union(classes), always.intersection(classes))
        }
        let drawn = found.keys.sorted().map { patient in
            var random = RandomStream(
                seed: seed, purpose: .labels, position: UInt32(truncatingIfNeeded: patient))
            return (key: random.next() as UInt64, patient: patient)
        }.sorted { ($0.key, $0.patient) < ($1.key, $1.patient) }
        var (seen, common) = (Superclasses(), Superclasses(rawValue: .max))
        var (first, rest): ([Int], [Int]) = ([], [])
        for (_, patient) in drawn {
            let (ever, always) = found[patient] ?? ([], [])
            if ever.isSubset(of: seen), common.isSubset(of: always) {
                rest.append(patient)
            } else {
                seen.formUnion(ever)
                common.formIntersection(always)
                first.append(patient)
            }
        }
        order = first + rest
        needed = first.count
    }

    /// The patients of a part.
    ///
    /// - Parameter fraction: Of all patients, above 0 and at most 1.
    /// - Returns: As many as the fraction gives, rounded up, and at least those who are needed for both sides of every class.
    public func patients(fraction: Double) -> Set<Int> {
        let count = Int((fraction * Double(order.count)).rounded(.up))
        return Set(order.prefix(max(count, needed)))
    }
}
