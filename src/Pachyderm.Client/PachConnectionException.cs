using Pachyderm.Errors;

namespace Pachyderm.Client;

/// <summary>There is no connection to the server, or it broke.</summary>
/// <param name="id">
/// <c>pachd-unreachable</c>: no connection came about. <c>pachd-connection-lost</c>: it broke before the answer was complete.
/// </param>
/// <param name="address">The server's address.</param>
/// <param name="problem">What is wrong.</param>
/// <param name="remedy">What to do.</param>
/// <param name="inner">The failure underneath.</param>
public sealed class PachConnectionException(string id, string address, string problem, string remedy, Exception? inner = null)
    : OperatorException(id, address, problem, remedy, inner);
