import Electrocardiography
import Evaluation
import EvaluationSchema
import LinearAlgebra
import Reporting
import Runtime

extension ModelPictures {
    /// Curves and maps of a model.
    ///
    /// - Parameters:
    ///   - model: What they are of.
    ///   - records: The test records, in the order of the model's map.
    public init(_ model: EvaluatedModel, records: [EvaluatedRecord]) {
        self.init(
            name: model.name, curves: model.curves,
            maps: model.map?.drawings(of: records) ?? [])
    }
}

extension EvaluatedModel {
    /// Receiver operating characteristics of the linear probe, one a class that could be measured.
    fileprivate var curves: [ModelPictures.Curve] {
        guard let scored = results.linear?.test.scored else { return [] }
        return scored.measurableClasses.map {
            ModelPictures.Curve(className: scored.classes[$0], points: scored.ranked[$0].curve)
        }
    }
}

extension RecordMap {
    /// Both maps, coloured by diagnosis.
    public func drawings(of records: [EvaluatedRecord]) -> [ModelPictures.Map] {
        func map(_ title: String, _ place: (Int) -> (x: Double, y: Double)) -> ModelPictures.Map {
            let chart = ScatterChart(
                title: title, groups: LabelledRecords.classNames + ["several"],
                points: rows.enumerated().map { index, row in
                    let (x, y) = place(index)
                    return ScatterChart.Point(
                        x: x, y: y, group: records[row].group, label: records[row].label)
                })
            return ModelPictures.Map(title: title, chart: chart)
        }
        let share = varianceShares.reduce(0, +)
        let sample = rows.count < records.count ? ", \(rows.count) of \(records.count) records" : ""
        let first = map(
            "principal components, \(decimals(100 * share, 0)) % of the variance\(sample)"
        ) { (components[$0, 0], components[$0, 1]) }
        guard let neighbours else { return [first] }
        let second = map(
            "t-SNE, perplexity \(decimals(neighbours.perplexity, 0))\(sample)"
        ) { (neighbours.places[$0, 0], neighbours.places[$0, 1]) }
        return [first, second]
    }

    /// Places by name, to be written.
    func summary(of records: [EvaluatedRecord]) -> MapSummary {
        func places(_ matrix: Matrix) -> [[Double]] {
            (0..<matrix.rows).map { [matrix[$0, 0], matrix[$0, 1]] }
        }
        var summary = MapSummary()
        summary.records = rows.map { records[$0].description.name }
        summary.classes = rows.map { row in
            records[row].classes.map { LabelledRecords.classNames[$0] }
        }
        summary.components = places(components)
        summary.varianceShares = varianceShares
        summary.neighbours = neighbours.map { found in
            var map = NeighbourMapSummary()
            map.places = places(found.places)
            (map.perplexity, map.divergence) = (found.perplexity, found.divergence)
            return map
        }
        return summary
    }
}

extension EvaluatedRecord {
    /// Number of the record's class, or of the group of those with several.
    fileprivate var group: Int {
        classes.count == 1 ? classes[0] : LabelledRecords.classNames.count
    }

    /// What hovering over the record shows.
    fileprivate var label: String {
        let names = classes.map { LabelledRecords.classNames[$0] }.joined(separator: " + ")
        let codes = description.codes.map(\.code).joined(separator: ", ")
        return "record \(description.name): \(names)" + (codes.isEmpty ? "" : " (\(codes))")
    }
}
