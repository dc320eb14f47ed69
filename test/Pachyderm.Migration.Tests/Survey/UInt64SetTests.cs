using CsCheck;
using Pachyderm.Migration.Survey;

namespace Pachyderm.Migration.Tests.Survey;

public sealed class UInt64SetTests
{
    // Few values that collide often, the marker of an empty slot among them, and arbitrary ones.
    private static readonly Gen<ulong[]> Hashes =
        Gen.OneOf(Gen.ULong[0, 40], Gen.ULong[0, 20].Select(number => number << 32), Gen.ULong).Array[0, 300];

    [Fact]
    public void It_holds_what_a_HashSet_holds() =>
        Gen.Select(Hashes, Hashes).Sample((members, others) =>
        {
            HashSet<ulong> model = [];
            UInt64Set set = new();
            bool agrees = members.All(hash => set.Add(hash) == model.Add(hash));
            return agrees && set.Count == model.Count && members.Concat(others).Append(0UL).All(hash => set.Contains(hash) == model.Contains(hash));
        });

    [Fact]
    public void Its_union_and_difference_are_those_of_a_HashSet() =>
        Gen.Select(Hashes, Hashes).Sample((left, right) =>
        {
            (UInt64Set set, UInt64Set other) = (Of(left), Of(right));
            bool differs = set.CountMissingFrom(other) == left.Distinct().Except(right).Count();
            set.UnionWith(other);
            HashSet<ulong> model = [.. left, .. right];
            return differs && set.Count == model.Count && model.All(set.Contains) && set.CountMissingFrom(other) == model.Except(right).Count();
        });

    private static UInt64Set Of(ulong[] hashes)
    {
        UInt64Set set = new();
        foreach (ulong hash in hashes)
        {
            set.Add(hash);
        }

        return set;
    }
}
