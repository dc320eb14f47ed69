using System.Text;
using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Pps.Datums;
using Pachyderm.Pps.Identity;
using Pachyderm.Pps.Pipelines;
using Pachyderm.Pps.Specs;
using V1_4 = Pachyderm.Formats.V1_4;

namespace Pachyderm.Pps.Legacy;

/// <summary>
/// The tags that releases before 1.5.1 gave to the datums of a pipeline that came from them. 1.4 hashed environment variables in random
/// order, so there may be hundreds for a datum; all are tried. Immutable and safe for concurrent use.
/// </summary>
public sealed class LegacyIdentity
{
    // The likeliest first: 1.5.0, then 1.4.7 and 1.4.8, and so back.
    private static readonly TagRecipe[] Recipes =
        [TagRecipe.Since150, TagRecipe.Since147, TagRecipe.Since145, TagRecipe.Since141, TagRecipe.Since140];

    private readonly TagCandidates[] candidates;

    private LegacyIdentity(TaggedPipeline pipeline) => candidates = [.. Recipes.Select(recipe => new TagCandidates(recipe, pipeline))];

    /// <summary>The identity of a pipeline's datums in old releases.</summary>
    /// <returns>Null if the pipeline has no identifier of an old release: it never had datums there.</returns>
    public static LegacyIdentity? Of(Pipeline pipeline)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        return pipeline.LegacyId.Length == 0 ? null : new LegacyIdentity(new TaggedPipeline(
            Encoding.UTF8.GetBytes(pipeline.Name.Value),
            Encoding.UTF8.GetBytes(pipeline.LegacyId),
            pipeline.Version,
            Encoding.UTF8.GetBytes(pipeline.Salt.Value),
            ToRecord(pipeline.Workload.Transform)));
    }

    /// <summary>The distinct tags that a datum may have, the likeliest first.</summary>
    /// <param name="parts">Its files, in the order of the inputs.</param>
    public IEnumerable<DatumTag> TagsOf(ValueList<DatumPart> parts)
    {
        Formats.DatumFile[] files =
        [
            .. parts.Select(static part => new Formats.DatumFile(
                part.Input.NameBytes, part.File.Path.Bytes.ToArray(), part.File.Hash.ToArray())),
        ];
        return candidates
            .SelectMany(candidate => candidate.Of(files))
            .Select(static text => DatumTag.TryParse(text, out DatumTag tag) ? tag : throw new FormatException($"{text} is no tag."))
            .Distinct();
    }

    private static V1_4.Transform ToRecord(Transform transform)
    {
        V1_4.Transform record = new() { Image = Bytes(transform.Image), Debug = transform.Debug };
        record.Cmd.AddRange(transform.Cmd.Select(Bytes));
        record.Env.AddRange(transform.Env.Select(
            static variable => new V1_4.Transform.Types.EnvEntry { Key = Bytes(variable.Key), Value = Bytes(variable.Value) }));
        record.Secrets.AddRange(transform.Secrets.Select(
            static secret => new V1_4.Secret { Name = Bytes(secret.Name), MountPath = Bytes(secret.MountPath) }));
        record.ImagePullSecrets.AddRange(transform.ImagePullSecrets.Select(Bytes));
        record.Stdin.AddRange(transform.Stdin.Select(Bytes));
        record.AcceptReturnCode.AddRange(transform.AcceptReturnCode);
        return record;
    }

    private static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);
}
