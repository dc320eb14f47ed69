using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Targets;

/// <summary>One write for <see cref="LaneApplier"/>.</summary>
/// <param name="Write">The write.</param>
/// <param name="Scope">
/// The list that the record is shown in, 0 for none. Upstream lists records by the revision that last wrote them, so that two
/// writes of one scope must come in order and never share a revision.
/// </param>
/// <param name="ExpectedModRevision">The revision that the record must be of; -1 for any, 0 for absent.</param>
internal readonly record struct LaneWrite(RecordWrite Write, ulong Scope, long ExpectedModRevision);
