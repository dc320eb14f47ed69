using Pachyderm.TestSupport;

namespace Pachyderm.Portable.Tests;

/// <summary>The records of a stream do not change without a new number. See <see cref="GoldenFormat"/>; their bytes are in <see cref="GoldenStreamTests"/>.</summary>
public sealed class StreamShapeTests
{
    [Fact]
    public void The_fields_are_those_of_the_golden_file()
    {
        GoldenFormat golden = new("Pachyderm.Portable.Tests", "stream", StreamFormat.Version, "StreamFormat.Version");
        golden.HasShape(string.Concat(
            JsonShape.Of(
                StreamJson.Default.RepoDocument, StreamJson.Default.CommitDocument, StreamJson.Default.WriteDocument,
                StreamJson.Default.BranchDocument, StreamJson.Default.ObjectDocument, StreamJson.Default.TagDocument,
                StreamJson.Default.DatumDocument, StreamJson.Default.LogDocument, StreamJson.Default.ResultDocument,
                StreamJson.Default.ArrivalDocument),
            JsonShape.Of(typeof(FrameKind))));
    }
}
