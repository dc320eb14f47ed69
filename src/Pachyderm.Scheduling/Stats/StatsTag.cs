using System.Text;
using Pachyderm.Pps.Identity;
using Pachyderm.Storage.Content;

namespace Pachyderm.Scheduling;

/// <summary>Under which tag the statistics of a datum are kept, as a result beside its output.</summary>
internal static class StatsTag
{
    /// <summary>The tag: the datum's first four digits, and the hash of its <see cref="DatumTag.StatsName"/>.</summary>
    public static DatumTag Of(DatumTag datum) => new(datum.Prefix, ChunkId.Of(Encoding.UTF8.GetBytes(datum.StatsName)));
}
