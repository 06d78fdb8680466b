/// An error whose cause stays: who does the same work again, in this process or another, meets it again.
public protocol LastingError: Error {}
