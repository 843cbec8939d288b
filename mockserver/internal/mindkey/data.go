package mindkey

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/keyfit/keyfit/mockserver/internal/odata"
)

// employeeCount is the number of generated employees.
const employeeCount = 60

// data is the generated company; the same seed gives the same data.
type data struct {
	employees, dependants, equipment, columns, positions []*odata.Row

	random *rand.Rand
}

// newData generates the employees. The first three do not depend on the seed,
// so that an example can name them.
func newData(seed uint64) *data {
	d := &data{random: rand.New(rand.NewPCG(seed, 0x6d696e646b6579))} //nolint:gosec // generated data, repeatable on purpose
	d.addEmployee("Ada", "", "Holm")
	d.addEmployee("Bo", "L.", "O'Hara")
	d.addEmployee("Cia", "", "Fitsum")
	first := []string{"Ditte", "Emil", "Freja", "Gustav", "Åse", "Ida", "Jonas", "Karla", "Liam", "Mille", "Noah", "Ole"}
	middle := []string{"", "", "", "M.", "Lorem"}
	last := []string{"Ipsum", "Dolor", "Amet", "Møller", "Fitsum", "D'Arc", "Skov", "Berg"}
	for len(d.employees) < employeeCount {
		d.addEmployee(d.pick(first), d.pick(middle), d.pick(last))
	}
	return d
}

func (d *data) pick(from []string) string { return from[d.random.IntN(len(from))] }

func (d *data) day(year int) time.Time {
	return time.Date(year, time.Month(1+d.random.IntN(12)), 1+d.random.IntN(28), 0, 0, 0, 0, time.UTC)
}

// addEmployee adds an employee with positions, dependants, equipment and
// user-defined columns.
func (d *data) addEmployee(first, middle, last string) {
	n := len(d.employees) + 1
	id := fmt.Sprintf("EMP%03d", n)
	email := mailbox(first, last, n)
	simple := &odata.Row{Values: []any{id, first, middle, last, email}}
	d.employees = append(d.employees, &odata.Row{
		Values: []any{id, first, middle, last, email, fmt.Sprintf("+45%08d", n)},
		Links:  []*odata.Row{d.addPositions(n, simple)},
	})
	for i := range max(d.random.IntN(3), 1-len(d.dependants)) { // the first employee has at least one
		d.dependants = append(d.dependants, &odata.Row{
			Values: []any{
				fmt.Sprintf("%s-D%d", id, i+1), d.pick([]string{"Alma", "Bror", "Clara"}), last,
				d.pick([]string{"Child", "Spouse"}), d.day(1970 + d.random.IntN(50)),
			},
			Links: []*odata.Row{simple},
		})
	}
	for i := range 1 + d.random.IntN(2) {
		issued, returned := d.day(2024), any(nil)
		if d.random.IntN(3) == 0 {
			returned = issued.AddDate(1, 0, 0)
		}
		d.equipment = append(d.equipment, &odata.Row{
			Values: []any{
				fmt.Sprintf("%s-E%d", id, i+1), d.pick([]string{"Laptop", "Phone", "Key card"}),
				fmt.Sprintf("SN%06d", d.random.IntN(1_000_000)), int64(1 + d.random.IntN(2)), issued, returned,
			},
			Links: []*odata.Row{simple},
		})
	}
	// The identifiers occur in the vendor's migration example.
	for i, column := range []string{"Some Id", "Some other Id"} {
		d.columns = append(d.columns, &odata.Row{
			Values: []any{fmt.Sprintf("%s-U%d", id, i+1), column, d.pick([]string{"Lorem", "Ipsum", "Dolor sit"})},
			Links:  []*odata.Row{simple},
		})
	}
}

// addPositions adds one or two position versions and returns the current
// position. Every tenth employee has left and has no current position.
func (d *data) addPositions(n int, simple *odata.Row) *odata.Row {
	titles := []string{"Lorem Coach", "Payroll Specialist", "Team Lead", "Developer"}
	departments := []string{"People", "Finance", "Sport", "IT"}
	position := fmt.Sprintf("POS%03d", n)
	from := d.day(2020)
	var current *odata.Row
	for version := 1; version <= 1+n%2; version++ {
		title := d.pick(titles)
		current = &odata.Row{Values: []any{position, title}}
		until := any(nil)
		if last := version == 1+n%2; !last || n%10 == 0 {
			until = from.AddDate(2, 0, 0)
		}
		d.positions = append(d.positions, &odata.Row{
			Values: []any{
				fmt.Sprintf("%s-%d", position, version), position, title, d.pick(departments),
				[]float64{20, 32, 37, 37.5}[d.random.IntN(4)], title == "Team Lead", from, until,
				from.Add(time.Duration(8+d.random.IntN(9)) * time.Hour),
			},
			Links: []*odata.Row{simple, current},
		})
		from = from.AddDate(2, 0, 1)
	}
	if n%10 == 0 {
		return nil
	}
	return current
}

// mailbox returns an address in a reserved domain (RFC 2606).
func mailbox(first, last string, n int) string {
	plain := strings.NewReplacer("å", "aa", "ø", "oe", "'", "").Replace(strings.ToLower(first + "." + last))
	if n > 3 { // later names repeat
		return fmt.Sprintf("%s.%d@example.com", plain, n)
	}
	return plain + "@example.com"
}
