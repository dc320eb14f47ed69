namespace Pachyderm.Workers.Output;

/// <summary>User code left something in <c>/pfs/out</c> that cannot be output: the datum fails for the reason in the message.</summary>
internal sealed class BadOutputException(string message) : Exception(message);
