using Pachyderm.Errors;
using Pachyderm.Migration.Survey;
using Pachyderm.Migration.Targets;

namespace Pachyderm.Migration.Engine;

/// <summary>An undo would lose records that were written after the migration.</summary>
/// <param name="location">The store.</param>
/// <param name="writes">The records.</param>
public sealed class LaterWritesException(string location, IReadOnlyList<LaterWrite> writes)
    : OperatorException(
        "later-writes",
        location,
        $"{writes.Count} record{(writes.Count == 1 ? " was" : "s were")} written after the migration and undo would lose them ({string.Join(", ", writes.Take(5).Select(write => $"{KeyText.Show(write.Key.Span)} {write.What}"))}{(writes.Count > 5 ? ", ..." : "")})",
        "save what you need, then run `pachctl migrate undo --discard-later-writes`; they are also kept in the work folder of the backup")
{
    /// <summary>The records.</summary>
    public IReadOnlyList<LaterWrite> Writes { get; } = writes;
}
