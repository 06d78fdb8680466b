import Runtime
import Testing

@testable import Cluster

@Suite struct InboxTests {
    @Test func itemsComeOutInTheOrderInWhichTheyWentIn() {
        let inbox = Inbox<Int>(limit: 9, rest: .milliseconds(1))
        for number in 0..<5 { inbox.put(number) }
        #expect(inbox.take(timeout: .zero) == [0, 1, 2, 3, 4])
        #expect(inbox.take(timeout: .zero).isEmpty)
    }

    /// Whatever a sender sends, no more than the limit waits.
    @Test func aSenderWithoutEndWaitsForRoom() throws {
        let inbox = Inbox<Int>(limit: 3, rest: .milliseconds(1))
        let looks = Monitor(0)
        let thread = try NamedThread("sender") {
            for number in 0..<20 {
                _ = inbox.put(number) {
                    looks.update { $0 += 1 }
                    return true
                }
            }
        }
        var taken: [Int] = []
        while taken.count < 20 {
            if taken.count < 17 {
                // It has met the limit, and has looked several times since.
                let before = looks.withLock { $0 }
                _ = looks.wait(
                    timeout: .seconds(60), until: { $0 >= before + 3 }, then: { _ in })
            }
            let items = inbox.take(timeout: .seconds(60))
            #expect(items.count <= 3)
            taken += items
        }
        thread.join()
        #expect(taken == Array(0..<20))
    }

    @Test func aSenderWhoseConnectionIsCutWaitsNoLonger() throws {
        let inbox = Inbox<Int>(limit: 1, rest: .milliseconds(1))
        inbox.put(0)
        let isOpen = Locked(true)
        let result = Monitor<Bool?>(nil)
        let thread = try NamedThread("sender") {
            let isIn = inbox.put(1, while: { isOpen.withLock { $0 } })
            result.update { $0 = isIn }
        }
        isOpen.withLock { $0 = false }
        let isIn = result.wait(timeout: .seconds(60), until: { $0 != nil }, then: { $0 }) ?? nil
        #expect(isIn == false)
        thread.join()
        // The news that it is cut finds room in any case.
        inbox.put(2)
        #expect(inbox.take(timeout: .zero) == [0, 2])
    }
}
