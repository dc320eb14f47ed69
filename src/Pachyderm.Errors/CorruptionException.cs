namespace Pachyderm.Errors;

/// <summary>Stored bytes are not what they must be: a bad checksum, a truncated file, a page that points nowhere.</summary>
/// <param name="id">Stable identifier in kebab case.</param>
/// <param name="thing">The file, key or object that is damaged.</param>
/// <param name="problem">How the damage shows, without a final full stop.</param>
/// <param name="remedy">What to do about it, without a final full stop.</param>
/// <param name="inner">The failure underneath, if there is one.</param>
public sealed class CorruptionException(string id, string thing, string problem, string remedy, Exception? inner = null)
    : OperatorException(id, thing, problem, remedy, inner);
