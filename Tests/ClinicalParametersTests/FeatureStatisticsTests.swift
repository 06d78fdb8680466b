import ClinicalParameters
import Kernels
import Testing

@Suite struct FeatureStatisticsTests {
    private func normalise(
        _ features: [Float], _ statistics: FeatureStatistics
    ) -> (values: [Float], flags: [Float]) {
        var values = [Float](repeating: 9, count: features.count)
        var flags = values
        var features = features
        features.withNumbers { features in
            values.withNumbers { values in
                flags.withNumbers { statistics.normalise(features, values: values, flags: $0) }
            }
        }
        return (values, flags)
    }

    @Test func theVectorHasTwentyFourNumbersAndEightOfEachOfEightLeads() {
        #expect(ClinicalFeatures.globalNames.count == 24 && ClinicalFeatures.globalCount == 24)
        #expect(ClinicalFeatures.perLeadNames.count == 8 && ClinicalFeatures.leads.count == 8)
        #expect(ClinicalFeatures.count == 88)
        #expect(Set(ClinicalFeatures.globalNames + ClinicalFeatures.perLeadNames).count == 32)
    }

    @Test func mediansAndQuartilesOfMeasuredValuesNormalise() {
        // Feature 0 takes 1 to 9 and once nothing: median 5, quartiles 3 and 7.
        var windows = (1...9).map { number -> [Float] in
            var row = [Float](repeating: 2, count: ClinicalFeatures.count)
            row[0] = Float(number)
            row[2] = Float(number) - 1
            row[5] = number == 1 ? 1 : 0
            row[8] = .nan
            return row
        }
        windows.append([Float](repeating: .nan, count: ClinicalFeatures.count))
        let statistics = FeatureStatistics(windows: windows)
        #expect(statistics.centres[0] == 5)
        #expect(abs(statistics.scales[0] - 4 / 1.349) < 1e-6)
        // log(1 + x): the median of 0...8 is 4.
        #expect(abs(statistics.centres[2] - Float(ElementaryFunctions.logarithm(5))) < 1e-6)
        // No spread between the quartiles: the standard deviation of one 1 among nine.
        #expect(abs(statistics.scales[5] - (8.0 / 81).squareRoot()) < 1e-6)
        #expect(statistics.scales[1] == 1 && statistics.scales[8] == 1)
        #expect(statistics.centres[8] == 0)
    }

    @Test func whatWasNotMeasuredIsZeroWithAFlagAndNothingLeavesTheRange() {
        let count = ClinicalFeatures.count
        let statistics = FeatureStatistics(
            centres: .init(repeating: 1, count: count), scales: .init(repeating: 0.5, count: count))
        var features = [Float](repeating: 2, count: count)
        features[0] = .nan
        features[1] = 1000
        features[4] = -.infinity
        features[6] = -1000
        let (values, flags) = normalise(features, statistics)
        #expect(values[0] == 0 && flags[0] == 1)
        #expect(values[4] == 0 && flags[4] == 1)
        #expect(values[1] == 5 && values[6] == -5 && flags[1] == 0)
        #expect(values[7] == 2 && flags[7] == 0)
        #expect(flags.reduce(0, +) == 2)
    }
}
