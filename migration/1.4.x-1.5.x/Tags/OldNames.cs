using Pachyderm.Formats;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// The tags that releases before 1.5 may have given to the datums of one pipeline, likeliest first. Up to 1.4.8 the environment was
/// hashed as a Go map, whose order is random, but not any: up to eight entries lie in one bucket in the order in which they were read,
/// which is sorted, since 1.4 stores sorted text, and each walk over them starts somewhere and goes round. So the rotations of the sorted
/// order come first, and only then all orders. Not safe for concurrent use.
/// </summary>
internal sealed class OldNames
{
    private const int EntriesPerBucket = 8;

    // All orders are tried only while they take this many bytes for one recipe: a script of a megabyte in 720 orders would not fit.
    private const long MaxPermutedBytes = 32 * 1024 * 1024;

    private static readonly TagRecipe[] Recipes = [TagRecipe.Since147, TagRecipe.Since145, TagRecipe.Since141, TagRecipe.Since140];

    private readonly TaggedPipeline _pipeline;
    private readonly List<(TagRecipe Recipe, int[] Order)> _rotations = [];
    private readonly bool _triesAllOrders;
    private readonly int _variables;
    private TagCandidates[]? _permuted;
    private (int Recipe, int Index) _lastPermuted = (0, 0);

    /// <summary>Prepares the names of a pipeline's datums.</summary>
    /// <param name="pipeline">The pipeline, with the environment in byte order of the keys.</param>
    public OldNames(TaggedPipeline pipeline)
    {
        _pipeline = pipeline;
        _variables = pipeline.Transform.Env.Count;
        int rotations = _variables is > 0 and <= EntriesPerBucket ? _variables : 1;
        foreach (TagRecipe recipe in Recipes)
        {
            for (int start = 0; start < rotations; start++)
            {
                _rotations.Add((recipe, [.. Enumerable.Range(0, _variables).Select(i => (start + i) % _variables)]));
            }
        }

        long orders = TagRecipes.CountOrders(TagRecipe.Since147, pipeline.Transform);
        _triesAllOrders = orders > rotations
            && _variables <= TagRecipes.MaxPermutedVariables
            && orders * pipeline.Transform.CalculateSize() <= MaxPermutedBytes;
        Count = _triesAllOrders ? Recipes.Length * (int)orders : _rotations.Count;
        IsComplete = _triesAllOrders || orders <= rotations;
    }

    /// <summary>How many names a datum may have, as far as they are tried.</summary>
    public int Count { get; }

    /// <summary>Whether these are all names that a datum may have.</summary>
    public bool IsComplete { get; }

    /// <summary>Says what is not tried; empty if all names are.</summary>
    public string Limits =>
        IsComplete
            ? ""
            : $"; its {_variables} environment variables have too many orders, of which {_rotations.Count / Recipes.Length} were tried";

    /// <summary>The names of a datum, each made when it is asked for. A few may come twice.</summary>
    /// <param name="files">The datum's files in the order in which the old release had them.</param>
    public IEnumerable<OldName> Of(IReadOnlyList<DatumFile> files)
    {
        for (int i = 0; i < _rotations.Count; i++)
        {
            (TagRecipe recipe, int[] order) = _rotations[i];
            yield return new OldName(TagRecipes.Tag(recipe, _pipeline, files, order), i, -1);
        }

        if (!_triesAllOrders)
        {
            yield break;
        }

        _permuted ??= [.. Recipes.Select(recipe => new TagCandidates(recipe, _pipeline))];
        yield return new OldName(
            _permuted[_lastPermuted.Recipe].Of(files).ElementAt(_lastPermuted.Index), _lastPermuted.Recipe, _lastPermuted.Index);
        for (int recipe = 0; recipe < _permuted.Length; recipe++)
        {
            int index = 0;
            foreach (string tag in _permuted[recipe].Of(files))
            {
                yield return new OldName(tag, recipe, index++);
            }
        }
    }

    /// <summary>Notes that a result was found under a name, so that names made alike are tried first: a worker keeps its habits.</summary>
    public void Prefer(OldName name)
    {
        if (name.Permutation >= 0)
        {
            _lastPermuted = (name.Place, name.Permutation);
            return;
        }

        (TagRecipe Recipe, int[] Order) hit = _rotations[name.Place];
        _rotations.RemoveAt(name.Place);
        _rotations.Insert(0, hit);
    }
}

/// <summary>A name that a result may have.</summary>
/// <param name="Tag">The tag.</param>
/// <param name="Place">Where it comes from, for <see cref="OldNames.Prefer"/>.</param>
/// <param name="Permutation">Likewise; negative if it comes from a rotation.</param>
internal readonly record struct OldName(string Tag, int Place, int Permutation);
