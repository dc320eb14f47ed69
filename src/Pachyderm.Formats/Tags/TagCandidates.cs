using System.Buffers;
using System.Security.Cryptography;

namespace Pachyderm.Formats;

/// <summary>
/// The tags that a release may have given to the datums of one pipeline. What the datums share is worked out once.
/// Immutable and safe for concurrent use.
/// </summary>
public sealed class TagCandidates
{
    private readonly TagRecipe _recipe;
    private readonly string _prefix;

    // What is hashed after the files: one for each order of the environment that gives different bytes.
    private readonly List<byte[]> _endings = [];

    /// <summary>Prepares the tags of one pipeline.</summary>
    /// <param name="recipe">The release's recipe.</param>
    /// <param name="pipeline">The pipeline as it was when its datums were processed.</param>
    public TagCandidates(TagRecipe recipe, TaggedPipeline pipeline)
    {
        ArgumentNullException.ThrowIfNull(pipeline);
        _recipe = recipe;
        _prefix = TagRecipes.Prefix(recipe, pipeline);
        int variables = pipeline.Transform.Env.Count;
        bool hashesEnvironment = TagRecipes.CountOrders(recipe, pipeline.Transform) > 1;
        IsComplete = !hashesEnvironment || variables <= TagRecipes.MaxPermutedVariables;
        var order = Enumerable.Range(0, hashesEnvironment ? variables : 0).ToArray();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        do
        {
            byte[] ending = TagRecipes.Ending(recipe, pipeline, order);
            if (seen.Add(Convert.ToBase64String(SHA256.HashData(ending))))
            {
                _endings.Add(ending);
            }
        }
        while (IsComplete && NextPermutation(order));
    }

    /// <summary>Number of tags for each datum.</summary>
    public int Count => _endings.Count;

    /// <summary>False when the pipeline has so many variables that only the record's own order of them is tried.</summary>
    public bool IsComplete { get; }

    /// <summary>The distinct tags that a datum may have, that of the record's own order of the environment first.</summary>
    /// <param name="files">The datum's files, in the order of the pipeline's inputs.</param>
    /// <exception cref="ArgumentException">A file's hash is not 32 bytes long.</exception>
    public IEnumerable<string> Of(IReadOnlyList<DatumFile> files)
    {
        ArgumentNullException.ThrowIfNull(files);
        var body = new ArrayBufferWriter<byte>();
        TagRecipes.WriteFiles(_recipe, files, body);
        byte[] start = body.WrittenSpan.ToArray();
        return _endings.Select(ending => _prefix + Convert.ToHexStringLower(SHA256.HashData([.. start, .. ending])));
    }

    // The next one in lexicographic order; false after the last.
    private static bool NextPermutation(int[] order)
    {
        int pivot = order.Length - 2;
        while (pivot >= 0 && order[pivot] > order[pivot + 1])
        {
            pivot--;
        }

        if (pivot < 0)
        {
            return false;
        }

        int successor = order.Length - 1;
        while (order[successor] < order[pivot])
        {
            successor--;
        }

        (order[pivot], order[successor]) = (order[successor], order[pivot]);
        Array.Reverse(order, pivot + 1, order.Length - pivot - 1);
        return true;
    }
}
