namespace Pachyderm.Scheduling;

/// <summary>An output cannot be sent elsewhere, and trying again will not help. The message is one line.</summary>
internal sealed class EgressException(string message, Exception? inner = null) : Exception(message, inner);
