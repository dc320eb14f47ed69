using CsCheck;
using Pachyderm.Migration.Targets;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Tests.Targets;

public sealed class LaneWindowTests
{
    private const int MostWrites = 10;
    private const int MostBytes = 200;

    private static readonly Gen<LaneWrite[]> Writes = Gen.Select(
        Gen.Frequency((1, Gen.Const(0UL)), (3, Gen.ULong[1, 15]), (1, Gen.Const(3UL))), Gen.Int[0, 60]).Array[0, 200]
        .Select(list => list.Select((write, place) => Write(write.Item1, place, write.Item2)).ToArray());

    [Fact]
    public void Nothing_is_lost_and_nothing_comes_twice() =>
        Writes.Sample(writes => Batches(writes, 50).SelectMany(batch => batch).Select(Place).Order().SequenceEqual(Enumerable.Range(0, writes.Length)));

    [Fact]
    public void A_batch_has_at_most_one_write_of_a_scope() =>
        Writes.Sample(writes => Batches(writes, 50).All(batch =>
            batch.Where(write => write.Scope != 0).Select(write => write.Scope).ToList() is var scopes && scopes.Distinct().Count() == scopes.Count));

    [Fact]
    public void The_writes_of_a_scope_keep_their_order() =>
        Writes.Sample(writes => Batches(writes, 50).SelectMany(batch => batch).GroupBy(write => write.Scope)
            .All(scope => scope.Select(Place).SequenceEqual(scope.Select(Place).Order())));

    [Fact]
    public void A_batch_stays_within_its_limits_but_for_one_write() =>
        Writes.Sample(writes => Batches(writes, 50).All(batch =>
            batch.Count is > 0 and <= MostWrites && batch.SkipLast(1).Sum(Size) < MostBytes));

    [Fact]
    public void Batches_depend_on_the_writes_alone() =>
        Writes.Sample(writes => Show(Batches(writes, 50)) == Show(Batches(writes, 50)));

    [Fact]
    public void A_prefix_of_the_stream_gives_the_same_first_batches_as_long_as_the_window_is_full() =>
        Gen.Select(Writes.Where(writes => writes.Length > 80), Gen.Int[60, 80]).Sample((writes, length) =>
        {
            // Batches are made while 50 writes wait or the stream has ended; those of the longer stream come first in the shorter, too.
            List<List<LaneWrite>> whole = Batches(writes, 50);
            List<List<LaneWrite>> part = Batches(writes[..length], 50);
            int certain = part.TakeWhile((_, number) => part.Take(number + 1).Sum(batch => batch.Count) <= length - 50).Count();
            return Show(whole.Take(certain)) == Show(part.Take(certain));
        });

    [Fact]
    public void Different_scopes_share_a_batch()
    {
        List<List<LaneWrite>> batches = Batches([.. Enumerable.Range(0, 20).Select(place => Write((ulong)(place % 5) + 1, place, 0))], 50);

        Assert.Equal(4, batches.Count);
        Assert.All(batches, batch => Assert.Equal(5, batch.Count));
    }

    private static List<List<LaneWrite>> Batches(LaneWrite[] writes, int capacity)
    {
        LaneWindow window = new();
        List<List<LaneWrite>> batches = [];
        int next = 0;
        while (true)
        {
            for (; window.Count < capacity && next < writes.Length; next++)
            {
                window.Add(writes[next]);
            }

            if (window.Count == 0)
            {
                return batches;
            }

            batches.Add(window.TakeBatch(MostWrites, MostBytes));
        }
    }

    private static string Show(IEnumerable<List<LaneWrite>> batches) =>
        string.Join('|', batches.Select(batch => string.Join(',', batch.Select(Place))));

    private static LaneWrite Write(ulong scope, int place, int size) =>
        new(RecordWrite.Put(BitConverter.GetBytes(place), new byte[size]), scope, place);

    private static int Place(LaneWrite write) => (int)write.ExpectedModRevision;

    private static int Size(LaneWrite write) => write.Write.Key.Length + write.Write.Value!.Value.Length;
}
