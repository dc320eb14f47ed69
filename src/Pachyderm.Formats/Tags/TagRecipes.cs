using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Google.Protobuf;

namespace Pachyderm.Formats;

/// <summary>
/// Computes the tags of datums by the recipe of each release, so that outputs that an earlier release has computed are found again.
/// </summary>
/// <remarks>
/// Up to 1.4.8 the transform is hashed with its environment, whose entries Go writes in random order: a pipeline with n variables has up
/// to n! different tags for one datum, each as genuine as the others.
/// </remarks>
public static class TagRecipes
{
    /// <summary>With more variables than this, <see cref="TagCandidates"/> does not try all orders: 6 have 720, 7 have 5,040.</summary>
    public const int MaxPermutedVariables = 6;

    /// <summary>The tag of a datum, with the environment in one given order.</summary>
    /// <param name="recipe">The release's recipe.</param>
    /// <param name="pipeline">The pipeline as it was when the datum was processed.</param>
    /// <param name="files">The datum's files, in the order of the pipeline's inputs.</param>
    /// <param name="environmentOrder">
    /// A permutation of the indexes of the transform's environment entries, or empty for their order in the record. Recipes without
    /// environment ignore it.
    /// </param>
    /// <returns>64 or 68 lower-case hexadecimal digits.</returns>
    /// <exception cref="ArgumentException">The order is no permutation, or a file's hash is not 32 bytes long.</exception>
    public static string Tag(
        TagRecipe recipe, TaggedPipeline pipeline, IReadOnlyList<DatumFile> files, ReadOnlySpan<int> environmentOrder = default)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        ArgumentNullException.ThrowIfNull(files);
        var body = new ArrayBufferWriter<byte>();
        WriteFiles(recipe, files, body);
        body.Write(Ending(recipe, pipeline, environmentOrder));
        return Prefix(recipe, pipeline) + Convert.ToHexStringLower(SHA256.HashData(body.WrittenSpan));
    }

    /// <summary>
    /// How many orders of the environment a recipe can have produced tags for: n!, or 1 where it leaves the environment out.
    /// </summary>
    /// <param name="recipe">The release's recipe.</param>
    /// <param name="transform">The pipeline's transform.</param>
    /// <returns>The number of orders; <see cref="long.MaxValue"/> from 21 variables on.</returns>
    public static long CountOrders(TagRecipe recipe, V1_4.Transform transform)
    {
        ArgumentNullException.ThrowIfNull(transform);
        if (!HashesEnvironment(recipe))
        {
            return 1;
        }

        const int LargestFactorial = 20;
        int n = transform.Env.Count;
        return n > LargestFactorial ? long.MaxValue : Enumerable.Range(1, n).Aggregate(1L, static (product, i) => product * i);
    }

    /// <summary>
    /// The bytes of the transform as the recipe hashes them: 1.4's wire form, with both fields of every environment entry.
    /// </summary>
    /// <param name="recipe">Any recipe but <see cref="TagRecipe.Since151"/>, which hashes no transform.</param>
    /// <param name="transform">The transform. It is not changed.</param>
    /// <param name="environmentOrder">
    /// A permutation of the indexes of the environment entries, or empty for their order in the record.
    /// </param>
    /// <exception cref="ArgumentException">The order is no permutation.</exception>
    public static byte[] TransformBytes(TagRecipe recipe, V1_4.Transform transform, ReadOnlySpan<int> environmentOrder = default)
    {
        ArgumentNullException.ThrowIfNull(transform);

        // 1.4 knew no other fields, and read the record into its own type before it hashed it.
        var hashed = V1_4.Transform.Parser.WithDiscardUnknownFields(true).ParseFrom(transform.ToByteArray());
        var entries = hashed.Env.ToArray();
        hashed.Env.Clear();
        if (HashesEnvironment(recipe))
        {
            foreach (int i in CheckedOrder(environmentOrder, entries.Length))
            {
                var entry = entries[i];
                hashed.Env.Add(new V1_4.Transform.Types.EnvEntry { Key = entry.Key, Value = entry.Value });
            }
        }

        return hashed.ToByteArray();
    }

    private static bool HashesEnvironment(TagRecipe recipe) => recipe is not (TagRecipe.Since150 or TagRecipe.Since151);

    internal static void WriteFiles(TagRecipe recipe, IReadOnlyList<DatumFile> files, ArrayBufferWriter<byte> body)
    {
        // 1.4.0 sorted the files, but not the names that belong to them.
        var ordered = recipe == TagRecipe.Since140 ? [.. files.OrderBy(static f => f.Path, ByteOrder.Instance)] : files;
        for (int i = 0; i < files.Count; i++)
        {
            if (ordered[i].Hash.Length != SHA256.HashSizeInBytes)
            {
                throw new ArgumentException($"The hash of a datum's file has {ordered[i].Hash.Length} bytes instead of 32.", nameof(files));
            }

            body.Write(files[i].InputName.Span);
            body.Write(ordered[i].Path.Span);
            body.Write(ordered[i].Hash.Span);
        }
    }

    // What is hashed after the files.
    internal static byte[] Ending(TagRecipe recipe, TaggedPipeline pipeline, ReadOnlySpan<int> environmentOrder)
    {
        var ending = new ArrayBufferWriter<byte>();
        if (recipe != TagRecipe.Since151)
        {
            ending.Write(TransformBytes(recipe, pipeline.Transform, environmentOrder));
        }

        WriteIdentity(recipe, pipeline, ending);
        return ending.WrittenSpan.ToArray();
    }

    private static void WriteIdentity(TagRecipe recipe, TaggedPipeline pipeline, ArrayBufferWriter<byte> body)
    {
        switch (recipe)
        {
            case TagRecipe.Since140 or TagRecipe.Since141:
                break;
            case TagRecipe.Since145 or TagRecipe.Since147 or TagRecipe.Since150:
                body.Write(pipeline.Name.Span);
                body.Write(pipeline.Id.Span);
                body.Write(Encoding.ASCII.GetBytes(pipeline.Version.ToString(CultureInfo.InvariantCulture)));
                break;
            case TagRecipe.Since151:
                body.Write(pipeline.Name.Span);
                body.Write(pipeline.Salt.Span);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(recipe), recipe, "There is no such recipe.");
        }
    }

    internal static string Prefix(TagRecipe recipe, TaggedPipeline pipeline)
    {
        const int PrefixBytes = 2;
        var source = recipe switch
        {
            TagRecipe.Since147 or TagRecipe.Since150 => pipeline.Id,
            TagRecipe.Since151 => pipeline.Salt,
            _ => (ReadOnlyMemory<byte>?)null,
        };
        return source is { } bytes ? Convert.ToHexStringLower(SHA256.HashData(bytes.Span).AsSpan(0, PrefixBytes)) : "";
    }

    private static int[] CheckedOrder(ReadOnlySpan<int> order, int count)
    {
        var identity = Enumerable.Range(0, count).ToArray();
        if (order.IsEmpty)
        {
            return identity;
        }

        var result = order.ToArray();
        return result.Order().SequenceEqual(identity)
            ? result
            : throw new ArgumentException($"The order is not a permutation of {count} entries.", nameof(order));
    }

    private sealed class ByteOrder : IComparer<ReadOnlyMemory<byte>>
    {
        public static readonly ByteOrder Instance = new();

        public int Compare(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceCompareTo(y.Span);
    }
}
