using System.Text.Json;
using System.Text.Json.Serialization;

namespace Pachyderm.Portable;

// The records of a stream, format 1, as JSON in UTF-8. Types of their own, so that a change of the domain does not change what old streams mean.
// Times are ticks of 100 ns since the year 1 in UTC; bytes are in base64, and begin with a version of their own; what is empty is left out.

internal sealed record RepoDocument
{
    public required string Name { get; init; }

    public required long Created { get; init; }

    public string Description { get; init; } = "";

    public long Size { get; init; }

    public string[] Provenance { get; init; } = [];
}

internal sealed record CommitDocument
{
    public required string Repo { get; init; }

    public required string Id { get; init; }

    public string? Parent { get; init; }

    public required long Started { get; init; }

    public long? Finished { get; init; }

    public long Size { get; init; }

    public byte[]? Tree { get; init; }

    /// <summary>Repo and identifier in turn.</summary>
    public string[] Provenance { get; init; } = [];
}

internal sealed record WriteDocument(string Repo, string Id, byte[] Payload);

internal sealed record BranchDocument(string Repo, string Name, string Head);

internal sealed record ObjectDocument(string Hash, long Size, byte[] Content, long Created);

internal sealed record TagDocument(string Name, string Object);

internal sealed record DatumDocument(string Job, int Index, JsonElement Datum);

internal sealed record LogDocument(string Pipeline, string Job, byte[] Piece);

internal sealed record ResultDocument(string Tag, string Job, byte[] Output);

internal sealed record ArrivalDocument(string Pipeline, string Repo, string Id);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = false, MaxDepth = 256)]
[JsonSerializable(typeof(RepoDocument))]
[JsonSerializable(typeof(CommitDocument))]
[JsonSerializable(typeof(WriteDocument))]
[JsonSerializable(typeof(BranchDocument))]
[JsonSerializable(typeof(ObjectDocument))]
[JsonSerializable(typeof(TagDocument))]
[JsonSerializable(typeof(DatumDocument))]
[JsonSerializable(typeof(LogDocument))]
[JsonSerializable(typeof(ResultDocument))]
[JsonSerializable(typeof(ArrivalDocument))]
internal sealed partial class StreamJson : JsonSerializerContext;
