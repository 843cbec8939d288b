package mockserver

import (
	"encoding/json"
	"net/http"
)

// itemsView is a collection. It has no pages, so that what was read can be
// written back.
type itemsView struct {
	Items []json.RawMessage `json:"items"`
}

type itemsBody struct {
	Items *[]json.RawMessage `json:"items" required:"true" doc:"in the form that GET returns"`
}

func adminCollections(c *adminCall) (any, error) {
	p, err := c.srv.knownProvider(c.PathValue("provider"))
	if err != nil {
		return nil, err
	}
	all, err := c.ns.Collections(p)
	if err != nil {
		return nil, err
	}
	return page[Collection]{Items: all}, nil
}

func adminData(c *adminCall) (any, error) {
	p, err := c.srv.knownProvider(c.PathValue("provider"))
	if err != nil {
		return nil, err
	}
	items, err := c.ns.Data(p, c.PathValue("collection"))
	if err != nil {
		return nil, err
	}
	return itemsView{items}, nil
}

func adminSetData(c *adminCall) (any, error) {
	p, err := c.srv.knownProvider(c.PathValue("provider"))
	if err != nil {
		return nil, err
	}
	var in itemsBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if in.Items == nil {
		return nil, refused(http.StatusBadRequest, "items is required; [] empties the collection")
	}
	if err := c.ns.SetData(p, c.PathValue("collection"), *in.Items); err != nil {
		return nil, err
	}
	return adminData(c)
}
